"""LViT in plain PyTorch (docs/method.md 11); see harness.py. Without the parameters that the authors' code holds and never uses."""

import torch
import torch.nn.functional as F
from torch import nn

from blocks import ConvBNReLU, Down, gelu, Up
from harness import main, Segmenter

HEADS = 8


class Embeddings(nn.Module):
    def __init__(self, width, patch, tokens, dropout):
        super().__init__()
        self.patch_embeddings = nn.Conv2d(width, width, patch, stride=patch)
        self.position_embeddings = nn.Parameter(torch.zeros(1, tokens, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(self.patch_embeddings(x).flatten(2).transpose(1, 2) + self.position_embeddings)


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        B, N, C = x.shape
        q, k, v = self.qkv(x).reshape(B, N, 3, HEADS, C // HEADS).permute(2, 0, 3, 1, 4)
        weights = ((q @ k.transpose(-2, -1)) * (C // HEADS) ** -0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(B, N, C))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x):
        return gelu(self.fc2(gelu(self.fc1(x))))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ConvTransBN(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.conv = nn.Conv1d(before, after, 3, padding=1)
        self.norm = nn.BatchNorm1d(after)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)))


class DownVit(nn.Module):
    """The finest level takes the note; each other one half of its channels from the level above."""

    def __init__(self, width, patch, tokens, dropout, words=None):
        super().__init__()
        self.embeddings = Embeddings(width, patch, tokens, dropout)
        self.Encoder_blocks = nn.Sequential(Block(width))
        if words is None:
            self.CTBN = ConvTransBN(width, width // 2)
        else:
            self.CTBN3 = ConvTransBN(words, tokens)

    def forward(self, x, other):
        x = self.embeddings(x)
        if hasattr(self, "CTBN3"):
            return self.Encoder_blocks(x + self.CTBN3(other))
        own = self.CTBN(self.Encoder_blocks(x).transpose(1, 2)).transpose(1, 2)
        return torch.cat([own, other], 2)


class UpVit(nn.Module):
    def __init__(self, width, coarsest=False):
        super().__init__()
        self.Encoder_blocks = nn.Sequential(Block(width))
        self.CTBN2 = None if coarsest else ConvTransBN(2 * width, width)

    def forward(self, x, coarser=None):
        x = self.Encoder_blocks(x)
        return x if self.CTBN2 is None else x + self.CTBN2(coarser.transpose(1, 2)).transpose(1, 2)


class Reconstruct(nn.Module):
    def __init__(self, width, patch):
        super().__init__()
        self.patch = patch
        self.conv = nn.Conv2d(width, width, 1)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x):
        B, N, C = x.shape
        side = round(N**0.5)
        x = x.transpose(1, 2).reshape(B, C, side, side)
        return F.relu(self.norm(self.conv(F.interpolate(x, scale_factor=self.patch, mode="nearest"))))


class LViT(Segmenter):
    def __init__(self, w, tokens, words, text_width, dropout):
        super().__init__()
        self.inc = ConvBNReLU(3, w)
        self.down1, self.down2 = Down(w, 2 * w), Down(2 * w, 4 * w)
        self.down3, self.down4 = Down(4 * w, 8 * w), Down(8 * w, 8 * w)
        self.text_module4 = nn.Conv1d(text_width, 8 * w, 3, padding=1)
        self.text_module3 = nn.Conv1d(8 * w, 4 * w, 3, padding=1)
        self.text_module2 = nn.Conv1d(4 * w, 2 * w, 3, padding=1)
        self.text_module1 = nn.Conv1d(2 * w, w, 3, padding=1)
        self.downVit = DownVit(w, 16, tokens, dropout, words)
        self.downVit1 = DownVit(2 * w, 8, tokens, dropout)
        self.downVit2 = DownVit(4 * w, 4, tokens, dropout)
        self.downVit3 = DownVit(8 * w, 2, tokens, dropout)
        self.upVit, self.upVit1 = UpVit(w), UpVit(2 * w)
        self.upVit2, self.upVit3 = UpVit(4 * w), UpVit(8 * w, coarsest=True)
        self.reconstruct1, self.reconstruct2 = Reconstruct(w, 16), Reconstruct(2 * w, 8)
        self.reconstruct3, self.reconstruct4 = Reconstruct(4 * w, 4), Reconstruct(8 * w, 2)
        self.up4, self.up3 = Up(16 * w, 4 * w), Up(8 * w, 2 * w)
        self.up2, self.up1 = Up(4 * w, w), Up(2 * w, w)
        self.outc = nn.Conv2d(w, 1, 1)

    def forward(self, images, note):
        text = self.text_module2(self.text_module3(self.text_module4(note.features.transpose(1, 2))))
        text = self.text_module1(text).transpose(1, 2)
        x1 = self.inc(images)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x4 = self.down3(x3)
        x5 = self.down4(x4)
        y1 = self.downVit(x1, text)
        y2 = self.downVit1(x2, y1)
        y3 = self.downVit2(x3, y2)
        y4 = self.upVit3(self.downVit3(x4, y3))
        y3 = self.upVit2(y3, y4)
        y2 = self.upVit1(y2, y3)
        y1 = self.upVit(y1, y2)
        x = self.up4(x5, x4 + self.reconstruct4(y4))
        x = self.up3(x, x3 + self.reconstruct3(y3))
        x = self.up2(x, x2 + self.reconstruct2(y2))
        return self.outc(self.up1(x, x1 + self.reconstruct1(y1)))


def build(shapes, size, dropout, options):
    tokens, words, _ = shapes["downVit.CTBN3.conv.weight"]
    return LViT(shapes["inc.conv.weight"][0], tokens, words, shapes["text_module4.weight"][1], dropout)


if __name__ == "__main__":
    main(build)
