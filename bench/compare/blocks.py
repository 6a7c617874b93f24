"""Layers that several of this folder's models share. Names of attributes are the keys of the authors' checkpoints."""

import math
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn


def gelu(x):
    """F.gelu for PyTorch 1.13, whose kernel computes a wrong gradient unless its input and the incoming gradient are both contiguous."""
    y = F.gelu(x.contiguous())
    if y.requires_grad:
        y.register_hook(lambda gradient: gradient.contiguous())
    return y


class GELU(nn.Module):
    def forward(self, x):
        return gelu(x)


# U-Net, RecLMIS, LViT, UCTransNet: docs/method.md 2 and 4


class ConvBNReLU(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1)
        self.norm = nn.BatchNorm2d(after)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)), inplace=True)


def two_convs(before, after):
    return nn.Sequential(ConvBNReLU(before, after), ConvBNReLU(after, after))


class Down(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.nConvs = two_convs(before, after)

    def forward(self, x):
        return self.nConvs(F.max_pool2d(x, 2))


class PixelAttention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv_avg = nn.Conv2d(channels, channels, 1, bias=False)
        self.conv_max = nn.Conv2d(channels, channels, 1, bias=False)
        self.bottleneck = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 1))

    def forward(self, x):
        average = F.relu(self.conv_avg(x)).mean(1)
        maximum = F.relu(self.conv_max(x)).amax(1)
        return x * self.bottleneck(torch.stack([average, maximum, average + maximum], -1)).squeeze(-1).unsqueeze(1)


class Up(nn.Module):
    """With PLAM in the skip."""

    def __init__(self, before, after):
        super().__init__()
        self.pixModule = PixelAttention(before // 2)
        self.nConvs = two_convs(before, after)

    def forward(self, x, skip):
        return self.nConvs(torch.cat([self.pixModule(skip), F.interpolate(x, scale_factor=2, mode="nearest")], 1))


# CLIP's towers: CLIPSeg, RecLMIS


class QuickGELU(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class ClipBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_2 = nn.LayerNorm(width)
        layers = [("c_fc", nn.Linear(width, 4 * width)), ("gelu", QuickGELU()), ("c_proj", nn.Linear(4 * width, width))]
        self.mlp = nn.Sequential(OrderedDict(layers))

    def forward(self, x, **masks):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, **masks)[0]
        return x + self.mlp(self.ln_2(x))


# ResNet-50 and its decoder: ConVIRT, GLoRIA, TGANet, U-Net++


class SqueezeExcitation(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // 16, 1)
        self.fc2 = nn.Conv2d(channels // 16, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))))


class Bottleneck(nn.Module):
    """The 3x3 convolution has the stride; in the form with squeeze and excitation the first 1x1 does."""

    def __init__(self, before, width, stride=1, first=False, excited=False):
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 1, stride=stride if excited else 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=1 if excited else stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.se_module = SqueezeExcitation(4 * width) if excited else nn.Identity()
        self.downsample = None
        if first:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, 4 * width, 1, stride=stride, bias=False), nn.BatchNorm2d(4 * width)
            )

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        x = F.relu(self.bn2(self.conv2(x)), inplace=True)
        x = self.se_module(self.bn3(self.conv3(x)))
        return F.relu(x + shortcut, inplace=True)


def bottlenecks(number, before, width, stride, excited=False):
    first = Bottleneck(before, width, stride, first=True, excited=excited)
    return nn.Sequential(first, *(Bottleneck(4 * width, width, excited=excited) for _ in range(number - 1)))


def conv_norm_relu(before, after):
    """The convolution has no bias: keys 0, 1."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


class DecoderBlock(nn.Module):
    """Of segmentation_models.pytorch's U-Net and U-Net++."""

    def __init__(self, before, skip, after):
        super().__init__()
        self.conv1 = conv_norm_relu(before + skip, after)
        self.conv2 = conv_norm_relu(after, after)

    def forward(self, x, skip=None):
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        return self.conv2(self.conv1(x if skip is None else torch.cat([x, skip], 1)))


class ResNet(nn.Module):
    def __init__(self, w, depths):
        super().__init__()
        self.conv1 = nn.Conv2d(3, w, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(w)
        self.layer1 = bottlenecks(depths[0], w, w, 1)
        self.layer2 = bottlenecks(depths[1], 4 * w, 2 * w, 2)
        self.layer3 = bottlenecks(depths[2], 8 * w, 4 * w, 2)
        self.layer4 = bottlenecks(depths[3], 16 * w, 8 * w, 2)

    def forward(self, images):
        f1 = F.relu(self.bn1(self.conv1(images)), inplace=True)
        f2 = self.layer1(F.max_pool2d(f1, 3, stride=2, padding=1))
        f3 = self.layer2(f2)
        f4 = self.layer3(f3)
        return f1, f2, f3, f4, self.layer4(f4)


class Decoder(nn.Module):
    def __init__(self, w, widths):
        super().__init__()
        skips = [16 * w, 8 * w, 4 * w, w, 0]
        self.blocks = nn.ModuleList(
            DecoderBlock(before, skip, after) for before, skip, after in zip([32 * w, *widths], skips, widths)
        )

    def forward(self, maps):
        x = maps[-1]
        for block, skip in zip(self.blocks, [*maps[-2::-1], None]):
            x = block(x, skip)
        return x


# Swin Transformer: Swin-Unet, LAVT


class DropPath(nn.Module):
    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def forward(self, x):
        if not self.training or self.rate == 0:
            return x
        keep = 1 - self.rate
        return x * (torch.rand(x.shape[0], 1, 1) < keep) / keep


class WindowAttention(nn.Module):
    def __init__(self, width, heads, window):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        places = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        apart = places[:, :, None] - places[:, None, :] + window - 1  # [2,M*M,M*M]
        index = apart[0] * (2 * window - 1) + apart[1]
        self.register_buffer("relative_position_index", index, persistent=False)

    def forward(self, x, mask=None):
        """x [windows,M*M,C], mask [windows of one image,M*M,M*M]."""
        B, N, C = x.shape
        q, k, v = self.qkv(x).reshape(B, N, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)
        scores = (q * (C // self.heads) ** -0.5) @ k.transpose(-2, -1)  # [B,H,N,N]
        bias = self.relative_position_bias_table[self.relative_position_index.view(-1)]
        scores = scores + bias.view(N, N, self.heads).permute(2, 0, 1)
        if mask is not None:
            scores = scores.view(-1, len(mask), self.heads, N, N) + mask[:, None]
            scores = scores.view(B, self.heads, N, N)
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(B, N, C))


class Mlp(nn.Module):
    def __init__(self, width, inner, dropout=0.0):
        super().__init__()
        self.fc1 = nn.Linear(width, inner)
        self.fc2 = nn.Linear(inner, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        return self.drop(self.fc2(self.drop(gelu(self.fc1(x)))))


def windows_of(x, M):
    """[B,H,W,C] -> [B*windows,M*M,C]."""
    B, H, W, C = x.shape
    return x.view(B, H // M, M, W // M, M, C).transpose(2, 3).reshape(-1, M * M, C)


def from_windows(windows, M, H, W):
    C = windows.shape[-1]
    return windows.view(-1, H // M, W // M, M, M, C).transpose(2, 3).reshape(-1, H, W, C)


class SwinBlock(nn.Module):
    """On tokens [B,side*side,C]; the map is padded to a multiple of the window."""

    def __init__(self, width, side, heads, window, shift, drop_path=0.0):
        super().__init__()
        self.side, self.window, self.shift = side, window, shift
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads, window)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, 4 * width)
        self.drop_path = DropPath(drop_path)
        self.padded = math.ceil(side / window) * window
        mask = None
        if shift > 0:
            places = torch.arange(self.padded)
            band = (places >= self.padded - window).long() + (places >= self.padded - shift).long()
            region = windows_of((3 * band[:, None] + band).view(1, self.padded, self.padded, 1), window).squeeze(-1)
            mask = (region[:, None, :] != region[:, :, None]) * -100.0
        self.register_buffer("mask", mask, persistent=False)

    def attend(self, x):
        B, N, C = x.shape
        side, padded, M, shift = self.side, self.padded, self.window, self.shift
        x = x.view(B, side, side, C)
        if padded > side:
            x = F.pad(x, (0, 0, 0, padded - side, 0, padded - side))
        if shift > 0:
            x = torch.roll(x, (-shift, -shift), (1, 2))
        x = from_windows(self.attn(windows_of(x, M), self.mask), M, padded, padded)
        if shift > 0:
            x = torch.roll(x, (shift, shift), (1, 2))
        return x[:, :side, :side].reshape(B, N, C)

    def forward(self, x):
        x = x + self.drop_path(self.attend(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class PatchEmbed(nn.Module):
    def __init__(self, width, patch):
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, stride=patch)
        self.norm = nn.LayerNorm(width)

    def forward(self, images):
        return self.norm(self.proj(images).flatten(2).transpose(1, 2))


class Merge(nn.Module):
    """[B,side*side,C] -> [B,side/2*side/2,2C]."""

    def __init__(self, width, side):
        super().__init__()
        self.side = side
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x):
        B, _, C = x.shape
        x = x.view(B, self.side, self.side, C)
        if self.side % 2 == 1:
            x = F.pad(x, (0, 0, 0, 1, 0, 1))
        parts = [x[:, row::2, column::2] for row, column in [(0, 0), (1, 0), (0, 1), (1, 1)]]
        return self.reduction(self.norm(torch.cat(parts, -1).flatten(1, 2)))


def window_of(shapes, key):
    """The window's side, from the shape of a table of relative positions."""
    return (math.isqrt(shapes[key][0]) + 1) // 2
