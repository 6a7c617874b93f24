"""TransUNet in plain PyTorch; see harness.py."""

import re
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

from blocks import conv_norm_relu, Mlp
from harness import count, main, Segmenter


class StdConv2d(nn.Conv2d):
    def forward(self, x):
        w = self.weight
        var, mean = torch.var_mean(w, dim=(1, 2, 3), keepdim=True, unbiased=False)
        w = (w - mean) / torch.sqrt(var + 1e-5)
        return F.conv2d(x, w, self.bias, self.stride, self.padding)


def std_conv(before, after, kernel, stride=1):
    return StdConv2d(before, after, kernel, stride=stride, padding=kernel // 2, bias=False)


class Unit(nn.Module):
    def __init__(self, before, middle, stride=1, first=False):
        super().__init__()
        after = 4 * middle
        self.conv1, self.gn1 = std_conv(before, middle, 1), nn.GroupNorm(32, middle, eps=1e-6)
        self.conv2, self.gn2 = std_conv(middle, middle, 3, stride), nn.GroupNorm(32, middle, eps=1e-6)
        self.conv3, self.gn3 = std_conv(middle, after, 1), nn.GroupNorm(32, after, eps=1e-6)
        self.downsample = None
        if first:
            self.downsample = std_conv(before, after, 1, stride)
            self.gn_proj = nn.GroupNorm(after, after)

    def forward(self, x):
        shortcut = x if self.downsample is None else self.gn_proj(self.downsample(x))
        x = F.relu(self.gn1(self.conv1(x)), inplace=True)
        x = F.relu(self.gn2(self.conv2(x)), inplace=True)
        return F.relu(self.gn3(self.conv3(x)) + shortcut, inplace=True)


def units(number, before, middle, stride):
    all_units = [Unit(before, middle, stride, first=True)] + [Unit(4 * middle, middle) for _ in range(number - 1)]
    return nn.Sequential(OrderedDict((f"unit{i + 1}", unit) for i, unit in enumerate(all_units)))


class Stem(nn.Module):
    def __init__(self, w, depths):
        super().__init__()
        root = [("conv", std_conv(3, w, 7, 2)), ("gn", nn.GroupNorm(32, w, eps=1e-6)), ("relu", nn.ReLU(inplace=True))]
        self.root = nn.Sequential(OrderedDict(root))
        self.body = nn.ModuleDict(
            {
                "block1": units(depths[0], w, w, 1),
                "block2": units(depths[1], 4 * w, 2 * w, 2),
                "block3": units(depths[2], 8 * w, 4 * w, 2),
            }
        )

    def forward(self, images):
        a = self.root(images)
        b = self.body["block1"](F.max_pool2d(a, 3, stride=2))
        c = self.body["block2"](b)
        side = a.shape[-1] // 2
        padded = F.pad(b, (0, side - b.shape[-1], 0, side - b.shape[-2]))
        return self.body["block3"](c), [c, padded, a]


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)

    def split(self, x):
        B, N, C = x.shape
        return x.view(B, N, self.heads, C // self.heads).transpose(1, 2)

    def forward(self, x):
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        weights = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(x.shape))


class Block(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.attention_norm = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.ffn_norm = nn.LayerNorm(width, eps=1e-6)
        self.ffn = Mlp(width, 4 * width, dropout)

    def forward(self, x):
        x = x + self.attn(self.attention_norm(x))
        return x + self.ffn(self.ffn_norm(x))


class Embeddings(nn.Module):
    def __init__(self, w, depths, width, tokens, dropout):
        super().__init__()
        self.hybrid_model = Stem(w, depths)
        self.patch_embeddings = nn.Conv2d(16 * w, width, 1)
        self.position_embeddings = nn.Parameter(torch.zeros(1, tokens, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, images):
        x, skips = self.hybrid_model(images)
        x = self.patch_embeddings(x).flatten(2).transpose(1, 2)
        return self.dropout(x + self.position_embeddings), skips


class Encoder(nn.Module):
    def __init__(self, layers, width, heads, dropout):
        super().__init__()
        self.layer = nn.Sequential(*(Block(width, heads, dropout) for _ in range(layers)))
        self.encoder_norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x):
        return self.encoder_norm(self.layer(x))


class DecoderBlock(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.conv1, self.conv2 = conv_norm_relu(before, after), conv_norm_relu(after, after)

    def forward(self, x, skip=None):
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        return self.conv2(self.conv1(x if skip is None else torch.cat([x, skip], 1)))


class Decoder(nn.Module):
    def __init__(self, shapes):
        super().__init__()
        after, before = shapes["decoder.conv_more.0.weight"][:2]
        self.conv_more = conv_norm_relu(before, after)
        convs = [shapes[f"decoder.blocks.{i}.conv1.0.weight"] for i in range(4)]
        self.blocks = nn.ModuleList(DecoderBlock(shape[1], shape[0]) for shape in convs)
        befores = [after] + [shape[0] for shape in convs]
        self.skips = [shape[1] > own for shape, own in zip(convs, befores)]

    def forward(self, x, skips):
        x = self.conv_more(x)
        for block, takes, skip in zip(self.blocks, self.skips, [*skips, None]):
            x = block(x, skip if takes else None)
        return x


class TransUNet(Segmenter):
    def __init__(self, shapes, size, dropout):
        super().__init__()
        stem = "transformer.embeddings.hybrid_model."
        w = shapes[f"{stem}root.conv.weight"][0]
        width = shapes["transformer.encoder.encoder_norm.weight"][0]
        depths = [count(shapes, rf"^{re.escape(stem)}body\.block{b}\.unit\d+\.conv1\.weight$") for b in (1, 2, 3)]
        layers = count(shapes, r"\.ffn\.fc1\.weight$")
        self.transformer = nn.ModuleDict(
            {
                "embeddings": Embeddings(w, depths, width, (size // 16) ** 2, dropout),
                "encoder": Encoder(layers, width, max(1, width // 64), dropout),
            }
        )
        self.decoder = Decoder(shapes)
        self.segmentation_head = nn.Sequential(nn.Conv2d(shapes["segmentation_head.0.weight"][1], 1, 3, padding=1))
        self.side = size // 16

    def forward(self, images, note=None):
        x, skips = self.transformer["embeddings"](images)
        x = self.transformer["encoder"](x).transpose(1, 2)
        return self.segmentation_head(self.decoder(x.reshape(*x.shape[:2], self.side, self.side), skips))


def build(shapes, size, dropout, options):
    return TransUNet(shapes, size, dropout)


if __name__ == "__main__":
    main(build)
