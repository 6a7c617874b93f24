"""U-Net++ over SE-ResNet-101 in plain PyTorch; see harness.py."""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

from blocks import bottlenecks, DecoderBlock
from harness import count, main, Segmenter


class Encoder(nn.Module):
    def __init__(self, w, depths):
        super().__init__()
        stem = [("conv1", nn.Conv2d(3, w, 7, 2, 3, bias=False)), ("bn1", nn.BatchNorm2d(w)), ("relu", nn.ReLU(inplace=True))]
        self.layer0 = nn.Sequential(OrderedDict(stem))
        self.layer1 = bottlenecks(depths[0], w, w, 1, excited=True)
        self.layer2 = bottlenecks(depths[1], 4 * w, 2 * w, 2, excited=True)
        self.layer3 = bottlenecks(depths[2], 8 * w, 4 * w, 2, excited=True)
        self.layer4 = bottlenecks(depths[3], 16 * w, 8 * w, 2, excited=True)

    def forward(self, images):
        f1 = self.layer0(images)
        f2 = self.layer1(F.max_pool2d(f1, 3, stride=2, ceil_mode=True))
        f3 = self.layer2(f2)
        f4 = self.layer3(f3)
        return [self.layer4(f4), f4, f3, f2, f1]


class Nested(nn.Module):
    """Node x_d_l: level l, on the diagonal that starts at the encoder's map d (0 the coarsest)."""

    def __init__(self, w, widths):
        super().__init__()
        maps = [32 * w, 16 * w, 8 * w, 4 * w, w]
        self.blocks = nn.ModuleDict()
        for level in range(4):
            skip = maps[level + 1]
            for d in range(level + 1):
                before = maps[d] if level == d else widths[level - 1] if d == 0 else maps[level]
                after = widths[level] if d == 0 else skip
                self.blocks[f"x_{d}_{level}"] = DecoderBlock(before, skip * (level - d + 1), after)
        self.blocks["x_0_4"] = DecoderBlock(widths[3], 0, widths[4])

    def forward(self, e):
        x = {}
        for steps in range(4):
            for d in range(4 - steps):
                level = d + steps
                below = e[d] if steps == 0 else x[d, level - 1]
                skips = [x[k, level] for k in range(d + 1, level + 1)] + [e[level + 1]]
                x[d, level] = self.blocks[f"x_{d}_{level}"](below, torch.cat(skips, 1))
        return self.blocks["x_0_4"](x[0, 3])


class UNetPlusPlus(Segmenter):
    def __init__(self, w, depths, widths):
        super().__init__()
        self.encoder = Encoder(w, depths)
        self.decoder = Nested(w, widths)
        self.segmentation_head = nn.Sequential(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, images, note=None):
        return self.segmentation_head(self.decoder(self.encoder(images)))


def build(shapes, size, dropout, options):
    depths = [count(shapes, rf"^encoder\.layer{i}\.\d+\.conv1\.weight$") for i in (1, 2, 3, 4)]
    widths = [shapes[f"decoder.blocks.x_0_{i}.conv1.0.weight"][0] for i in range(5)]
    return UNetPlusPlus(shapes["encoder.layer0.conv1.weight"][0], depths, widths)


if __name__ == "__main__":
    main(build)
