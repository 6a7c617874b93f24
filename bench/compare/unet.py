"""U-Net, the version of LViT's repository (docs/method.md 11), in plain PyTorch; see harness.py."""

import torch
from torch import nn

from blocks import ConvBNReLU, Down, two_convs
from harness import Segmenter, main


class Up(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.up = nn.ConvTranspose2d(before // 2, before // 2, 2, stride=2)
        self.nConvs = two_convs(before, after)

    def forward(self, x, skip):
        return self.nConvs(torch.cat([self.up(x), skip], 1))


class UNet(Segmenter):
    def __init__(self, w):
        super().__init__()
        self.inc = ConvBNReLU(3, w)
        self.down1, self.down2 = Down(w, 2 * w), Down(2 * w, 4 * w)
        self.down3, self.down4 = Down(4 * w, 8 * w), Down(8 * w, 8 * w)
        self.up4, self.up3 = Up(16 * w, 4 * w), Up(8 * w, 2 * w)
        self.up2, self.up1 = Up(4 * w, w), Up(2 * w, w)
        self.outc = nn.Conv2d(w, 1, 1)

    def forward(self, images, note=None):
        x1 = self.inc(images)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x4 = self.down3(x3)
        x = self.up4(self.down4(x4), x4)
        return self.outc(self.up1(self.up2(self.up3(x, x3), x2), x1))


def build(shapes, size, dropout, options):
    return UNet(shapes["inc.conv.weight"][0])


if __name__ == "__main__":
    main(build)
