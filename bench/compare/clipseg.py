"""CLIP as a segmenter (CLIPSeg) in plain PyTorch; see harness.py."""

import torch
from torch import nn

from blocks import ClipBlock
from harness import count, main, Segmenter

PATCH = 16
EXTRACTED = (9, 7, 3)  # in the order of the decoder


class Tower(nn.Module):
    """CLIP's image tower. What follows the last block that is read is held for CLIP's checkpoints and not run."""

    def __init__(self, width, positions, layers, heads, projection):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, PATCH, stride=PATCH, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(width) * width**-0.5)
        self.positional_embedding = nn.Parameter(torch.randn(positions, width) * width**-0.5)
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = nn.ModuleDict({"resblocks": nn.ModuleList(ClipBlock(width, heads) for _ in range(layers))})
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.randn(width, projection) * width**-0.5)

    def forward(self, images):
        x = self.conv1(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(len(x), 1, -1), x], 1)
        x = self.ln_pre(x + self.positional_embedding)
        outputs = []
        for block in self.transformer["resblocks"][: max(EXTRACTED) + 1]:
            x = block(x)
            outputs.append(x)
        return [outputs[i] for i in EXTRACTED]


class CLIPSeg(Segmenter):
    def __init__(self, width, tower_width, text_width, inner, dropout, **tower):
        super().__init__()
        self.clip_model = nn.ModuleDict({"visual": Tower(tower_width, **tower)})
        self.film_mul, self.film_add = nn.Linear(text_width, width), nn.Linear(text_width, width)
        self.reduce = nn.Linear(tower_width, width)  # never used
        self.reduces = nn.ModuleList(nn.Linear(tower_width, width) for _ in EXTRACTED)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 4, inner, dropout, batch_first=True) for _ in EXTRACTED
        )
        self.trans_conv = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(width, width // 2, 4, stride=4),
            nn.ReLU(),
            nn.ConvTranspose2d(width // 2, 1, 4, stride=4),
        )

    def forward(self, images, note):
        last = note.valid.sum(1) - 1
        t = note.features[torch.arange(len(last)), last]
        a = None
        for i, (tokens, reduce, block) in enumerate(zip(self.clip_model["visual"](images), self.reduces, self.blocks)):
            x = reduce(tokens)
            a = self.film_mul(t)[:, None] * x + self.film_add(t)[:, None] if i == 0 else x + a
            a = block(a)
        a = a[:, 1:].transpose(1, 2)
        side = images.shape[-1] // PATCH
        return self.trans_conv(a.reshape(*a.shape[:2], side, side))


def build(shapes, size, dropout, options):
    tower = "clip_model.visual."
    tower_width = shapes[f"{tower}class_embedding"][0]
    return CLIPSeg(
        shapes["reduce.weight"][0],
        tower_width,
        shapes["film_mul.weight"][1],
        shapes["blocks.0.linear1.weight"][0],
        0.1,
        positions=shapes[f"{tower}positional_embedding"][0],
        layers=count(shapes, r"\.resblocks\.\d+\.ln_1\.weight$"),
        heads=12,
        projection=shapes[f"{tower}proj"][1],
    )


if __name__ == "__main__":
    main(build)
