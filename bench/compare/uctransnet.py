"""UCTransNet in plain PyTorch; see harness.py."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from blocks import ConvBNReLU, Down, Mlp, two_convs
from harness import count, main, Segmenter

LEVELS = (1, 2, 3, 4)
PATCHES = (16, 8, 4, 2)


class Embeddings(nn.Module):
    def __init__(self, width, patch, tokens, dropout):
        super().__init__()
        self.patch_embeddings = nn.Conv2d(width, width, patch, stride=patch)
        self.position_embeddings = nn.Parameter(torch.zeros(1, tokens, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(self.patch_embeddings(x).flatten(2).transpose(1, 2) + self.position_embeddings)


class ChannelAttention(nn.Module):
    def __init__(self, widths, heads, dropout):
        super().__init__()
        whole = sum(widths)
        self.scale = 1 / math.sqrt(whole)

        def linears(width):
            return nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(heads))

        for level, width in zip(LEVELS, widths):
            setattr(self, f"query{level}", linears(width))
            setattr(self, f"out{level}", nn.Linear(width, width, bias=False))
        self.key, self.value = linears(whole), linears(whole)
        self.psi = nn.InstanceNorm2d(heads)
        self.dropout = nn.Dropout(dropout)

    def forward(self, levels, whole):
        keys = torch.stack([key(whole) for key in self.key], 1)  # [B,H,N,S]
        values = torch.stack([value(whole) for value in self.value], 1).transpose(2, 3)  # [B,H,S,N]
        results = []
        for level, x in zip(LEVELS, levels):
            queries = torch.stack([query(x) for query in getattr(self, f"query{level}")], 1)  # [B,H,N,C]
            scores = queries.transpose(2, 3) @ keys * self.scale  # [B,H,C,S]
            weights = self.dropout(self.psi(scores).softmax(-1))
            gathered = (weights @ values).mean(1).transpose(1, 2)  # [B,N,C]
            results.append(self.dropout(getattr(self, f"out{level}")(gathered)))
        return results


class Layer(nn.Module):
    def __init__(self, widths, heads, dropout):
        super().__init__()
        for level, width in zip(LEVELS, widths):
            setattr(self, f"attn_norm{level}", nn.LayerNorm(width, eps=1e-6))
            setattr(self, f"ffn_norm{level}", nn.LayerNorm(width, eps=1e-6))
            setattr(self, f"ffn{level}", Mlp(width, 4 * width))
        self.attn_norm = nn.LayerNorm(sum(widths), eps=1e-6)
        self.channel_attn = ChannelAttention(widths, heads, dropout)

    def forward(self, levels):
        normed = [getattr(self, f"attn_norm{level}")(x) for level, x in zip(LEVELS, levels)]
        attended = self.channel_attn(normed, self.attn_norm(torch.cat(levels, 2)))
        levels = [x + a for x, a in zip(levels, attended)]
        return [
            x + getattr(self, f"ffn{level}")(getattr(self, f"ffn_norm{level}")(x)) for level, x in zip(LEVELS, levels)
        ]


class Encoder(nn.Module):
    def __init__(self, layers, widths, heads, dropout):
        super().__init__()
        self.layer = nn.ModuleList(Layer(widths, heads, dropout) for _ in range(layers))
        for level, width in zip(LEVELS, widths):
            setattr(self, f"encoder_norm{level}", nn.LayerNorm(width, eps=1e-6))

    def forward(self, levels):
        for layer in self.layer:
            levels = layer(levels)
        return [getattr(self, f"encoder_norm{level}")(x) for level, x in zip(LEVELS, levels)]


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


class ChannelTransformer(nn.Module):
    def __init__(self, widths, tokens, layers, heads, dropout):
        super().__init__()
        for level, width, patch in zip(LEVELS, widths, PATCHES):
            setattr(self, f"embeddings_{level}", Embeddings(width, patch, tokens, dropout))
            setattr(self, f"reconstruct_{level}", Reconstruct(width, patch))
        self.encoder = Encoder(layers, widths, heads, dropout)

    def forward(self, maps):
        tokens = self.encoder([getattr(self, f"embeddings_{level}")(x) for level, x in zip(LEVELS, maps)])
        return [x + getattr(self, f"reconstruct_{level}")(t) for level, x, t in zip(LEVELS, maps, tokens)]


class CrossAttention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.mlp_x = nn.Sequential(nn.Flatten(), nn.Linear(channels, channels))
        self.mlp_g = nn.Sequential(nn.Flatten(), nn.Linear(channels, channels))

    def forward(self, gate, skip):
        weights = (self.mlp_x(F.adaptive_avg_pool2d(skip, 1)) + self.mlp_g(F.adaptive_avg_pool2d(gate, 1))) / 2
        return F.relu(skip * weights.sigmoid()[..., None, None], inplace=True)


class Up(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.coatt = CrossAttention(before // 2)
        self.nConvs = two_convs(before, after)

    def forward(self, x, skip):
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        return self.nConvs(torch.cat([self.coatt(x, skip), x], 1))


class UCTransNet(Segmenter):
    def __init__(self, w, size, layers, heads, dropout):
        super().__init__()
        self.inc = ConvBNReLU(3, w)
        self.down1, self.down2 = Down(w, 2 * w), Down(2 * w, 4 * w)
        self.down3, self.down4 = Down(4 * w, 8 * w), Down(8 * w, 8 * w)
        self.mtc = ChannelTransformer([w, 2 * w, 4 * w, 8 * w], (size // 16) ** 2, layers, heads, dropout)
        self.up4, self.up3 = Up(16 * w, 4 * w), Up(8 * w, 2 * w)
        self.up2, self.up1 = Up(4 * w, w), Up(2 * w, w)
        self.outc = nn.Conv2d(w, 1, 1)

    def forward(self, images, note=None):
        x1 = self.inc(images)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x4 = self.down3(x3)
        x5 = self.down4(x4)
        x1, x2, x3, x4 = self.mtc([x1, x2, x3, x4])
        return self.outc(self.up1(self.up2(self.up3(self.up4(x5, x4), x3), x2), x1))


def build(shapes, size, dropout, options):
    layers = count(shapes, r"^mtc\.encoder\.layer\.\d+\.attn_norm\.weight$")
    heads = count(shapes, r"^mtc\.encoder\.layer\.0\.channel_attn\.key\.\d+\.weight$")
    return UCTransNet(shapes["inc.conv.weight"][0], size, layers, heads, dropout)


if __name__ == "__main__":
    main(build)
