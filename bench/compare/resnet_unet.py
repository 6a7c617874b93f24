"""The U-Net over ResNet-50 of ConVIRT and GLoRIA, in plain PyTorch."""

from torch import nn

from blocks import Decoder, ResNet
from harness import count, Segmenter


class ResNetUNet(Segmenter):
    def __init__(self, shapes):
        super().__init__()
        w = shapes["encoder.conv1.weight"][0]
        depths = [count(shapes, rf"^encoder\.layer{i}\.\d+\.conv1\.weight$") for i in (1, 2, 3, 4)]
        widths = [shapes[f"decoder.blocks.{i}.conv1.0.weight"][0] for i in range(5)]
        self.encoder = ResNet(w, depths)
        self.decoder = Decoder(w, widths)
        self.segmentation_head = nn.Sequential(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, images, note=None):
        return self.segmentation_head(self.decoder(self.encoder(images)))
