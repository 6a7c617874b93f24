"""ViLT as a segmenter in plain PyTorch; see harness.py."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from blocks import Mlp
from harness import count, main, Segmenter

DROPOUT = 0.1
HEADS = 12


class TextEmbeddings(nn.Module):
    def __init__(self, vocabulary, tokens, width):
        super().__init__()
        self.word_embeddings = nn.Embedding(vocabulary, width, padding_idx=0)
        self.position_embeddings = nn.Embedding(tokens, width)
        self.token_type_embeddings = nn.Embedding(2, width)
        self.LayerNorm = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, ids):
        places = torch.arange(ids.shape[1])
        x = self.word_embeddings(ids) + self.token_type_embeddings(torch.zeros_like(ids)) + self.position_embeddings(places)
        return self.dropout(self.LayerNorm(x))


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, x, valid):
        B, N, C = x.shape
        q, k, v = self.qkv(x).reshape(B, N, 3, HEADS, C // HEADS).permute(2, 0, 3, 1, 4)
        scores = (q @ k.transpose(-2, -1)) * (C // HEADS) ** -0.5
        weights = scores.masked_fill(~valid[:, None, None], -torch.inf).softmax(-1)
        return self.drop(self.proj((weights @ v).transpose(1, 2).reshape(B, N, C)))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, 4 * width, DROPOUT)

    def forward(self, x, valid):
        x = x + self.attn(self.norm1(x), valid)
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self, width, patch, table, layers):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, table**2 + 1, width))
        self.table = table
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, patch, stride=patch)})
        self.dropout = nn.Dropout(DROPOUT)
        self.blocks = nn.ModuleList(Block(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def embed(self, images):
        x = self.patch_embed["proj"](images)
        size = x.shape[2:]
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], 1)
        grid = self.pos_embed[:, 1:].transpose(1, 2).reshape(1, -1, self.table, self.table)
        grid = F.interpolate(grid, size=size, mode="bilinear", align_corners=True).flatten(2).transpose(1, 2)
        return self.dropout(x + torch.cat([self.pos_embed[:, :1], grid], 1))

    def forward(self, x, valid):
        for block in self.blocks:
            x = block(x, valid)
        return self.norm(x)


class Stage(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(after)

    def forward(self, x):
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return F.relu(self.norm(self.conv(x)), inplace=True)


class Decoder(nn.Module):
    def __init__(self, width, widths):
        super().__init__()
        self.blocks = nn.Sequential(*(Stage(before, after) for before, after in zip([width, *widths], widths)))
        self.head = nn.Conv2d(widths[-1], 1, 1)

    def forward(self, x):
        return self.head(self.blocks(x))


class ViLT(Segmenter):
    def __init__(self, width, vocabulary, tokens, patch, table, layers, widths):
        super().__init__()
        self.patch = patch
        self.text_embeddings = TextEmbeddings(vocabulary, tokens, width)
        self.token_type_embeddings = nn.Embedding(2, width)
        self.transformer = Transformer(width, patch, table, layers)
        self.decoder = Decoder(width, widths)

    def forward(self, images, note):
        text = self.text_embeddings(note.ids)
        image = self.transformer.embed(images)
        valid = torch.cat([note.ids != 0, torch.ones(image.shape[:2], dtype=torch.bool)], 1)
        kinds = self.token_type_embeddings.weight
        x = self.transformer(torch.cat([text + kinds[0], image + kinds[1]], 1), valid)
        side = images.shape[-1] // self.patch
        x = x[:, -side * side :].transpose(1, 2)
        return self.decoder(x.reshape(*x.shape[:2], side, side))


def build(shapes, size, dropout, options):
    stages = count(shapes, r"^decoder\.blocks\.\d+\.conv\.weight$")
    return ViLT(
        shapes["transformer.cls_token"][2],
        shapes["text_embeddings.word_embeddings.weight"][0],
        shapes["text_embeddings.position_embeddings.weight"][0],
        shapes["transformer.patch_embed.proj.weight"][2],
        math.isqrt(shapes["transformer.pos_embed"][1] - 1),
        count(shapes, r"^transformer\.blocks\.\d+\.norm1\.weight$"),
        [shapes[f"decoder.blocks.{i}.conv.weight"][0] for i in range(stages)],
    )


if __name__ == "__main__":
    main(build)
