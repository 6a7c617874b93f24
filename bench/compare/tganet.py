"""TGANet in plain PyTorch; see harness.py."""

import re

import torch
import torch.nn.functional as F
from torch import nn

from blocks import bottlenecks
from harness import count, main, mask_losses, Segmenter


class ConvBN(nn.Module):
    def __init__(self, before, after, kernel, dilation=1, act=True):
        super().__init__()
        padding = dilation if kernel == 3 else 0
        self.conv = nn.Sequential(
            nn.Conv2d(before, after, kernel, padding=padding, dilation=dilation, bias=False), nn.BatchNorm2d(after)
        )
        self.act = act

    def forward(self, x):
        x = self.conv(x)
        return F.relu(x, inplace=True) if self.act else x


class ChannelAttention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        inner = max(1, channels // 16)
        self.fc1 = nn.Conv2d(channels, inner, 1, bias=False)
        self.fc2 = nn.Conv2d(inner, channels, 1, bias=False)

    def weigh(self, x):
        return self.fc2(F.relu(self.fc1(x)))

    def forward(self, x):
        return x * torch.sigmoid(self.weigh(F.adaptive_avg_pool2d(x, 1)) + self.weigh(F.adaptive_max_pool2d(x, 1)))


class SpatialAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x):
        return x * torch.sigmoid(self.conv1(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)))


def up(x, factor):
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=True)


class Enhancement(nn.Module):
    def __init__(self, before, D):
        super().__init__()
        self.c1 = nn.Sequential(ConvBN(before, D, 1), ChannelAttention(D))
        self.c2 = nn.Sequential(ConvBN(before, D, 3, 6), ChannelAttention(D))
        self.c3 = nn.Sequential(ConvBN(before, D, 3, 12), ChannelAttention(D))
        self.c4 = nn.Sequential(ConvBN(before, D, 3, 18), ChannelAttention(D))
        self.c5 = ConvBN(4 * D, D, 3, act=False)
        self.c6 = ConvBN(before, D, 1, act=False)
        self.sa = SpatialAttention()

    def forward(self, x):
        joined = torch.cat([self.c1(x), self.c2(x), self.c3(x), self.c4(x)], 1)
        return self.sa(F.relu(self.c5(joined) + self.c6(x)))


class DecoderBlock(nn.Module):
    def __init__(self, D):
        super().__init__()
        self.c1 = ConvBN(2 * D, D, 1)
        self.c2, self.c3 = ConvBN(D, D, 3, act=False), ConvBN(D, D, 3, act=False)
        self.c4 = ConvBN(D, D, 1, act=False)
        self.ca, self.sa = ChannelAttention(D), SpatialAttention()

    def forward(self, x, skip):
        v1 = self.c1(torch.cat([up(x, 2), skip], 1))
        v2 = F.relu(self.c2(v1) + v1)
        v3 = F.relu(self.c3(v2) + v2 + v1)
        v4 = F.relu(self.c4(v3) + v3 + v2 + v1)
        return self.sa(self.ca(v4))


class LabelAttention(nn.Module):
    def __init__(self, D):
        super().__init__()
        self.c1 = nn.Sequential(nn.Conv2d(D, D, 1, bias=False), nn.ReLU(), nn.Conv2d(D, D, 1, bias=False))

    def forward(self, x, text):
        h = self.c1(text)
        return h, x * h.sigmoid()


class Aggregation(nn.Module):
    def __init__(self, D):
        super().__init__()
        self.c11, self.c12, self.c13 = ConvBN(D, D, 1), ConvBN(D, D, 1), ConvBN(D, D, 1)
        self.c14 = ConvBN(3 * D, D, 1)
        self.c2, self.c3 = ConvBN(D, D, 3, act=False), ConvBN(D, D, 3, act=False)

    def forward(self, x1, x2, x3):
        v1 = self.c14(torch.cat([self.c11(up(x1, 4)), self.c12(up(x2, 2)), self.c13(x3)], 1))
        v2 = F.relu(self.c2(v1) + v1)
        return F.relu(self.c3(v2) + v2 + v1)


class TextClassifier(nn.Module):
    def __init__(self, before, inner):
        super().__init__()
        self.fc1 = nn.Sequential(nn.Linear(before, inner, bias=False), nn.ReLU(), nn.Linear(inner, 2, bias=False))
        self.fc2 = nn.Sequential(nn.Linear(before, inner, bias=False), nn.ReLU(), nn.Linear(inner, 3, bias=False))

    def forward(self, x):
        p = x.mean((2, 3))
        return self.fc1(p), self.fc2(p)


class Label(nn.Module):
    def __init__(self, before, D):
        super().__init__()
        self.fc = nn.Sequential(
            nn.Conv2d(before, D, 1, bias=False), nn.ReLU(), nn.Conv2d(D, D, 1, bias=False), nn.ReLU()
        )

    def forward(self, words):
        return self.fc(words.flatten(1)[:, :, None, None])


class Output(nn.Module):
    def __init__(self, D):
        super().__init__()
        self.c1 = nn.Conv2d(D, 1, 1)

    def forward(self, x):
        return self.c1(up(x, 2))


def word_vectors(width):
    """[1,5,E]: rows of the cosine transform stand for the words, as in packages/lab."""
    row, column = torch.arange(1, 6)[:, None].double(), torch.arange(width).double()
    return (2**0.5 * torch.cos(torch.pi * row * (2 * column + 1) / (2 * width))).float()[None]


def labels_of(texts):
    """Number and size of each note's areas: notes of QaTa-COV19's form alone."""
    counts = [0 if re.search(r"\bone infected area", text) else 1 for text in texts]
    zones = [3 * len(re.findall(r"\ball\b", text)) + len(re.findall(r"\b(?:upper|middle|lower)\b", text)) for text in texts]
    return torch.tensor(counts), torch.tensor([0 if z <= 2 else 1 if z <= 4 else 2 for z in zones])


class TGANet(Segmenter):
    def __init__(self, w, depths, word_width):
        super().__init__()
        D = 2 * w
        self.layer0 = nn.Sequential(nn.Conv2d(3, w, 7, 2, 3, bias=False), nn.BatchNorm2d(w), nn.ReLU(inplace=True))
        self.layer1 = nn.Sequential(nn.MaxPool2d(3, 2, 1), bottlenecks(depths[0], w, w, 1))
        self.layer2 = bottlenecks(depths[1], 4 * w, 2 * w, 2)
        self.layer3 = bottlenecks(depths[2], 8 * w, 4 * w, 2)
        self.text_classifier = TextClassifier(16 * w, D)
        self.label_fc = Label(5 * word_width, D)
        self.s1, self.s2 = Enhancement(w, D), Enhancement(4 * w, D)
        self.s3, self.s4 = Enhancement(8 * w, D), Enhancement(16 * w, D)
        self.d1, self.d2, self.d3 = DecoderBlock(D), DecoderBlock(D), DecoderBlock(D)
        self.a1, self.a2, self.a3 = LabelAttention(D), LabelAttention(D), LabelAttention(D)
        self.ag = Aggregation(D)
        self.y1 = Output(D)
        self.register_buffer("words", word_vectors(word_width), persistent=False)

    def describe(self, images, words):
        x1 = self.layer0(images)
        x2 = self.layer1(x1)
        x3 = self.layer2(x2)
        x4 = self.layer3(x3)
        counts, sizes = self.text_classifier(x4)
        P = torch.cat([counts.softmax(1), sizes.softmax(1)], 1)
        text = self.label_fc(words * P[..., None])
        h1, y1 = self.a1(self.d1(self.s4(x4), self.s3(x3)), text)
        h2, y2 = self.a2(self.d2(y1, self.s2(x2)), text + h1)
        _, y3 = self.a3(self.d3(y2, self.s1(x1)), text + h1 + h2)
        return self.y1(self.ag(y1, y2, y3)), counts, sizes

    def words_of(self, note):
        """A golden file brings its own words; else they are fixed."""
        return note.features if note.options else self.words

    def forward(self, images, note):
        return self.describe(images, self.words_of(note))[0]

    def losses(self, images, masks, note):
        logits, counts, sizes = self.describe(images, self.words_of(note))
        if note.options:
            labels = [torch.tensor(note.options[name]) for name in ("count_labels", "size_labels")]
        else:
            labels = labels_of(note.texts)
        # As the authors do, a softmax before the cross-entropy's own.
        own = {
            "count": F.cross_entropy(counts.softmax(1), labels[0]),
            "size": F.cross_entropy(sizes.softmax(1), labels[1]),
        }
        return {**mask_losses(logits, masks), **own}


def build(shapes, size, dropout, options):
    keys = [r"^layer1\.1\.\d+\.conv1\.weight$", r"^layer2\.\d+\.conv1\.weight$", r"^layer3\.\d+\.conv1\.weight$"]
    depths = [count(shapes, key) for key in keys]
    return TGANet(shapes["layer0.0.weight"][0], depths, shapes["label_fc.fc.0.weight"][1] // 5)


if __name__ == "__main__":
    main(build)
