"""LAVT in plain PyTorch; see harness.py."""

import torch
import torch.nn.functional as F
from torch import nn

from blocks import GELU, Merge, PatchEmbed, SwinBlock, window_of
from harness import count, main, Segmenter

PATCH = 4


class LanguageAttention(nn.Module):
    def __init__(self, width, text_width, heads):
        super().__init__()
        self.heads = heads
        self.f_query = nn.Sequential(nn.Conv1d(width, width, 1), nn.InstanceNorm1d(width))
        self.f_key = nn.Sequential(nn.Conv1d(text_width, width, 1))
        self.f_value = nn.Sequential(nn.Conv1d(text_width, width, 1))
        self.W = nn.Sequential(nn.Conv1d(width, width, 1), nn.InstanceNorm1d(width))

    def forward(self, x, text, mask):
        """x [B,C,N], text [B,W,T], mask [B,1,T], 1 for words."""
        B, C, N = x.shape
        parts = (B, self.heads, C // self.heads, -1)
        q = self.f_query(x).view(parts)
        k, w = (self.f_key(text) * mask).view(parts), (self.f_value(text) * mask).view(parts)
        scores = q.transpose(2, 3) @ k * C**-0.5 + (10000 * mask - 10000)[:, None]  # [B,H,N,T]
        gathered = w @ scores.softmax(-1).transpose(2, 3)  # [B,H,C/H,N]
        return self.W(gathered.reshape(B, C, N))


class Fusion(nn.Module):
    def __init__(self, width, text_width, heads):
        super().__init__()
        self.vis_project = nn.Sequential(nn.Conv1d(width, width, 1), GELU())
        self.image_lang_att = LanguageAttention(width, text_width, heads)
        self.project_mm = nn.Sequential(nn.Conv1d(width, width, 1), GELU())

    def forward(self, x, text, mask):
        x = x.transpose(1, 2)
        return self.project_mm(self.vis_project(x) * self.image_lang_att(x, text, mask)).transpose(1, 2)


class Stage(nn.Module):
    def __init__(self, width, side, heads, window, rates, text_width, fusion_heads):
        super().__init__()
        shifts = (window // 2 if j % 2 == 1 else 0 for j in range(len(rates)))
        self.blocks = nn.Sequential(
            *(SwinBlock(width, side, heads, window, shift, rate) for shift, rate in zip(shifts, rates))
        )
        self.fusion = Fusion(width, text_width, fusion_heads)
        self.res_gate = nn.Sequential(
            nn.Linear(width, width, bias=False), nn.ReLU(), nn.Linear(width, width, bias=False), nn.Tanh()
        )


class Backbone(nn.Module):
    def __init__(self, width, size, depths, heads, window, drop_path, text_width, fusion_heads):
        super().__init__()
        self.patch_embed = PatchEmbed(width, PATCH)
        self.layers = nn.ModuleList()
        self.sides = []
        side, rates = size // PATCH, torch.linspace(0, drop_path, sum(depths)).split(depths)
        for i, (own_heads, own_rates) in enumerate(zip(heads, rates)):
            stage_width = width * 2**i
            stage = Stage(stage_width, side, own_heads, window, own_rates.tolist(), text_width, fusion_heads)
            self.layers.append(stage)
            setattr(self, f"norm{i}", nn.LayerNorm(stage_width))
            self.sides.append(side)
            if i < len(depths) - 1:
                stage.downsample = Merge(stage_width, side)
                side = (side + 1) // 2

    def forward(self, images, text, mask):
        x = self.patch_embed(images)
        maps = []
        for i, (stage, side) in enumerate(zip(self.layers, self.sides)):
            x = stage.blocks(x)
            r = stage.fusion(x, text, mask)
            out = getattr(self, f"norm{i}")(r)
            maps.append(out.transpose(1, 2).reshape(len(out), -1, side, side))
            if i < len(self.layers) - 1:
                x = stage.downsample(x + stage.res_gate(r) * r)
        return maps


class Decoder(nn.Module):
    def __init__(self, widths, inner):
        super().__init__()
        befores = [widths[-1] + widths[-2], *(inner + width for width in widths[-3::-1])]
        self.levels = list(range(len(widths), 1, -1))
        for level, before in zip(self.levels, befores):
            setattr(self, f"conv1_{level}", nn.Conv2d(before, inner, 3, padding=1, bias=False))
            setattr(self, f"bn1_{level}", nn.BatchNorm2d(inner))
            setattr(self, f"conv2_{level}", nn.Conv2d(inner, inner, 3, padding=1, bias=False))
            setattr(self, f"bn2_{level}", nn.BatchNorm2d(inner))
        self.conv1_1 = nn.Conv2d(inner, 1, 1)

    def forward(self, maps):
        x = maps[-1]
        for level, skip in zip(self.levels, maps[-2::-1]):
            x = F.interpolate(x, size=skip.shape[2:], mode="bilinear", align_corners=True)
            x = torch.cat([x, skip], 1)
            for k in (1, 2):
                x = F.relu(getattr(self, f"bn{k}_{level}")(getattr(self, f"conv{k}_{level}")(x)), inplace=True)
        return self.conv1_1(x)


class LAVT(Segmenter):
    def __init__(self, width, size, depths, heads, inner, *rest):
        super().__init__()
        self.backbone = Backbone(width, size, depths, heads, *rest)
        self.classifier = Decoder([width * 2**i for i in range(len(depths))], inner)

    def forward(self, images, note):
        maps = self.backbone(images, note.features.transpose(1, 2), note.valid[:, None].float())
        logits = self.classifier(maps)
        return F.interpolate(logits, size=images.shape[2:], mode="bilinear", align_corners=True)


def build(shapes, size, dropout, options):
    stages = count(shapes, r"^backbone\.layers\.\d+\.blocks\.0\.norm1\.weight$")
    tables = [f"backbone.layers.{i}.blocks.0.attn.relative_position_bias_table" for i in range(stages)]
    depths = [count(shapes, rf"^backbone\.layers\.{i}\.blocks\.\d+\.norm1\.weight$") for i in range(stages)]
    text_width = shapes["backbone.layers.0.fusion.image_lang_att.f_key.0.weight"][1]
    return LAVT(
        shapes["backbone.patch_embed.proj.weight"][0],
        size,
        depths,
        [shapes[table][1] for table in tables],
        shapes["classifier.conv1_1.weight"][1],
        window_of(shapes, tables[0]),
        options.get("dropPath", 0.3),
        text_width,
        options.get("fusionHeads", 1),
    )


if __name__ == "__main__":
    main(build)
