"""nnU-Net (2D, version 1) in plain PyTorch; see harness.py. Training compares the four finest maps with the mask."""

import torch
import torch.nn.functional as F
from torch import nn

from harness import count, main, mask_losses, Segmenter


class ConvBlock(nn.Module):
    def __init__(self, before, after, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, stride=stride, padding=1)
        self.instnorm = nn.InstanceNorm2d(after, affine=True)

    def forward(self, x):
        return F.leaky_relu(self.instnorm(self.conv(x)), 0.01, inplace=True)


class Stack(nn.Module):
    def __init__(self, *blocks):
        super().__init__()
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)


class NnUNet(Segmenter):
    def __init__(self, widths):
        super().__init__()
        levels = len(widths) - 1
        context = [
            Stack(ConvBlock(before, after, 1 if i == 0 else 2), ConvBlock(after, after))
            for i, (before, after) in enumerate(zip([3, *widths], widths[:-1]))
        ]
        bottom = nn.Sequential(Stack(ConvBlock(widths[-2], widths[-1], 2)), Stack(ConvBlock(widths[-1], widths[-1])))
        self.conv_blocks_context = nn.ModuleList([*context, bottom])
        self.tu, self.conv_blocks_localization, self.seg_outputs = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for level in reversed(range(levels)):
            width = widths[level]
            self.tu.append(nn.ConvTranspose2d(widths[level + 1], width, 2, stride=2, bias=False))
            self.conv_blocks_localization.append(
                nn.Sequential(Stack(ConvBlock(2 * width, width)), Stack(ConvBlock(width, width)))
            )
            self.seg_outputs.append(nn.Conv2d(width, 1, 1, bias=False))

    def decode(self, images):
        """The decoder's maps, coarsest first."""
        skips, x = [], images
        for block in self.conv_blocks_context:
            x = block(x)
            skips.append(x)
        maps = []
        for up, block, skip in zip(self.tu, self.conv_blocks_localization, skips[-2::-1]):
            x = block(torch.cat([up(x), skip], 1))
            maps.append(x)
        return maps

    def forward(self, images, note=None):
        return self.seg_outputs[-1](self.decode(images)[-1])

    def losses(self, images, masks, note):
        if not self.training:
            return super().losses(images, masks, note)
        maps = self.decode(images)
        finest_first = list(zip(self.seg_outputs, maps))[::-1]
        weights = [0.5**i for i in range(len(maps) - 1)] if len(maps) > 1 else [1.0]  # the coarsest counts nothing
        result = {"dice": 0.0, "bce": 0.0}
        for weight, (head, x) in zip(weights, finest_first):
            logits = head(x)
            losses = mask_losses(logits, F.interpolate(masks, size=logits.shape[2:], mode="nearest"))
            for name, value in losses.items():
                result[name] = result[name] + value * (weight / sum(weights))
        return result


def build(shapes, size, dropout, options):
    levels = count(shapes, r"^tu\.\d+\.weight$")
    widths = [shapes[f"conv_blocks_context.{i}.blocks.0.conv.weight"][0] for i in range(levels)]
    return NnUNet([*widths, shapes[f"conv_blocks_context.{levels}.0.blocks.0.conv.weight"][0]])


if __name__ == "__main__":
    main(build)
