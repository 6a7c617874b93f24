"""Swin-Unet in plain PyTorch; see harness.py."""

import torch
from torch import nn

from blocks import Merge, PatchEmbed, SwinBlock, window_of
from harness import count, main, Segmenter

PATCH = 4


def unfold(x, side, factor):
    """[B,side*side,factor*factor*C] -> [B,(factor*side)^2,C]."""
    B, _, C = x.shape
    x = x.view(B, side, side, factor, factor, C // factor**2).transpose(2, 3)
    return x.reshape(B, (factor * side) ** 2, C // factor**2)


class Expand(nn.Module):
    def __init__(self, width, side, factor, after):
        super().__init__()
        self.side, self.factor = side, factor
        self.expand = nn.Linear(width, after * factor**2, bias=False)
        self.norm = nn.LayerNorm(after)

    def forward(self, x):
        return self.norm(unfold(self.expand(x), self.side, self.factor))


class Stage(nn.Module):
    def __init__(self, width, side, heads, window, rates):
        super().__init__()
        shift = window // 2 if side > window else 0
        window = min(window, side)
        self.blocks = nn.Sequential(
            *(
                SwinBlock(width, side, heads, window, shift if j % 2 == 1 else 0, rate)
                for j, rate in enumerate(rates)
            )
        )

    def forward(self, x):
        return self.blocks(x)


class SwinTransformer(nn.Module):
    def __init__(self, width, size, depths, heads, window, drop_path):
        super().__init__()
        stages = len(depths)
        widths = [width * 2**i for i in range(stages)]
        sides = [size // PATCH // 2**i for i in range(stages)]
        rates = torch.linspace(0, drop_path, sum(depths)).split(depths)
        rates = [stage.tolist() for stage in rates]
        self.patch_embed = PatchEmbed(width, PATCH)
        self.layers = nn.ModuleList(
            Stage(widths[i], sides[i], heads[i], window, rates[i]) for i in range(stages)
        )
        for i in range(stages - 1):
            self.layers[i].downsample = Merge(widths[i], sides[i])
        self.norm = nn.LayerNorm(widths[-1])
        self.layers_up = nn.ModuleList([Expand(widths[-1], sides[-1], 2, widths[-1] // 2)])
        self.concat_back_dim = nn.ModuleList([nn.Identity()])
        for i in reversed(range(stages - 1)):
            self.concat_back_dim.append(nn.Linear(2 * widths[i], widths[i]))
            stage = Stage(widths[i], sides[i], heads[i], window, rates[i])
            if i > 0:
                stage.upsample = Expand(widths[i], sides[i], 2, widths[i] // 2)
            self.layers_up.append(stage)
        self.norm_up = nn.LayerNorm(width)
        self.up = Expand(width, sides[0], PATCH, width)
        self.output = nn.Conv2d(width, 1, 1, bias=False)

    def forward(self, images):
        x = self.patch_embed(images)
        skips = []
        for stage in self.layers:
            skips.append(x)
            x = stage(x)
            if hasattr(stage, "downsample"):
                x = stage.downsample(x)
        x = self.layers_up[0](self.norm(x))
        for stage, join, skip in zip(self.layers_up[1:], self.concat_back_dim[1:], skips[-2::-1]):
            x = stage(join(torch.cat([x, skip], 2)))
            if hasattr(stage, "upsample"):
                x = stage.upsample(x)
        x = self.up(self.norm_up(x))
        return self.output(x.transpose(1, 2).reshape(len(x), -1, *images.shape[2:]))


class SwinUNet(Segmenter):
    def __init__(self, *sizes):
        super().__init__()
        self.swin_unet = SwinTransformer(*sizes)

    def forward(self, images, note=None):
        return self.swin_unet(images)


def build(shapes, size, dropout, options):
    stages = count(shapes, r"^swin_unet\.layers\.\d+\.blocks\.0\.norm1\.weight$")
    tables = [f"swin_unet.layers.{i}.blocks.0.attn.relative_position_bias_table" for i in range(stages)]
    depths = [count(shapes, rf"^swin_unet\.layers\.{i}\.blocks\.\d+\.norm1\.weight$") for i in range(stages)]
    heads = [shapes[table][1] for table in tables]
    width = shapes["swin_unet.patch_embed.proj.weight"][0]
    return SwinUNet(width, size, depths, heads, window_of(shapes, tables[0]), options.get("dropPath", 0.2))


if __name__ == "__main__":
    main(build)
