"""Attention U-Net in plain PyTorch; see harness.py."""

import torch
import torch.nn.functional as F
from torch import nn

from harness import Segmenter, main


class ConvBlock(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
            nn.Conv2d(after, after, 3, padding=1),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.conv(x)


class UpConv(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
        )

    def forward(self, x):
        return self.up(x)


class Gate(nn.Module):
    def __init__(self, channels, inner):
        super().__init__()
        self.W_g = nn.Sequential(nn.Conv2d(channels, inner, 1), nn.BatchNorm2d(inner))
        self.W_x = nn.Sequential(nn.Conv2d(channels, inner, 1), nn.BatchNorm2d(inner))
        self.psi = nn.Sequential(nn.Conv2d(inner, 1, 1), nn.BatchNorm2d(1), nn.Sigmoid())

    def forward(self, g, x):
        return x * self.psi(F.relu(self.W_g(g) + self.W_x(x), inplace=True))


class AttentionUNet(Segmenter):
    def __init__(self, w):
        super().__init__()
        self.Conv1, self.Conv2, self.Conv3 = ConvBlock(3, w), ConvBlock(w, 2 * w), ConvBlock(2 * w, 4 * w)
        self.Conv4, self.Conv5 = ConvBlock(4 * w, 8 * w), ConvBlock(8 * w, 16 * w)
        self.Up5, self.Att5, self.Up_conv5 = UpConv(16 * w, 8 * w), Gate(8 * w, 4 * w), ConvBlock(16 * w, 8 * w)
        self.Up4, self.Att4, self.Up_conv4 = UpConv(8 * w, 4 * w), Gate(4 * w, 2 * w), ConvBlock(8 * w, 4 * w)
        self.Up3, self.Att3, self.Up_conv3 = UpConv(4 * w, 2 * w), Gate(2 * w, w), ConvBlock(4 * w, 2 * w)
        self.Up2, self.Att2, self.Up_conv2 = UpConv(2 * w, w), Gate(w, w // 2), ConvBlock(2 * w, w)
        self.Conv = nn.Conv2d(w, 1, 1)

    def forward(self, images, note=None):
        e1 = self.Conv1(images)
        e2 = self.Conv2(F.max_pool2d(e1, 2))
        e3 = self.Conv3(F.max_pool2d(e2, 2))
        e4 = self.Conv4(F.max_pool2d(e3, 2))
        x = self.Up5(self.Conv5(F.max_pool2d(e4, 2)))
        x = self.Up4(self.Up_conv5(torch.cat([self.Att5(x, e4), x], 1)))
        x = self.Up3(self.Up_conv4(torch.cat([self.Att4(x, e3), x], 1)))
        x = self.Up2(self.Up_conv3(torch.cat([self.Att3(x, e2), x], 1)))
        return self.Conv(self.Up_conv2(torch.cat([self.Att2(x, e1), x], 1)))


def build(shapes, size, dropout, options):
    return AttentionUNet(shapes["Conv1.conv.0.weight"][0])


if __name__ == "__main__":
    main(build)
