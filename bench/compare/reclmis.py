"""RecLMIS's training step in plain PyTorch: the parameters, keys, losses and optimiser of packages/lab, written as PyTorch's users write
models (docs/method.md 2 to 9). bench/compare.ts sends and receives lines of JSON:

    {"load": FILE.safetensors, "layers": 3, "dropout": 0.1, "strategy": "topk", "threads": 2, "lr": 3e-4}  ->  {"torch": VERSION}
    {"step": 1}  ->  {"losses": {...}, "seconds": S}

The file holds the weights under `model.`, and `images` [B,3,S,S], `masks` [B,1,S,S], `features` [B,T,512], `valid` [B,T] (uint8).
"""

import json
import sys
import time

import numpy
import torch
import torch.nn.functional as F
from torch import nn

HEADS = 4


def read_safetensors(path):
    """Tensors by name; the format's header gives dtype, shape and place of each."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        data = file.read()
    kinds = {"F32": numpy.float32, "U8": numpy.uint8, "I64": numpy.int64}
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = numpy.frombuffer(data[begin:end], dtype=kinds[entry["dtype"]]).copy()
            tensors[name] = torch.from_numpy(values).reshape(entry["shape"])
    return tensors


class ConvBNReLU(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1)
        self.norm = nn.BatchNorm2d(after)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)), inplace=True)


class Down(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.nConvs = nn.Sequential(ConvBNReLU(before, after), ConvBNReLU(after, after))

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
    def __init__(self, before, after):
        super().__init__()
        self.pixModule = PixelAttention(before // 2)
        self.nConvs = nn.Sequential(ConvBNReLU(before, after), ConvBNReLU(after, after))

    def forward(self, x, skip):
        return self.nConvs(torch.cat([self.pixModule(skip), F.interpolate(x, scale_factor=2, mode="nearest")], 1))


class Embeddings(nn.Module):
    def __init__(self, channels, patches, dropout):
        super().__init__()
        self.patch_embeddings = nn.Conv2d(channels, channels, 1)
        self.position_embeddings = nn.Parameter(torch.zeros(1, patches, channels))
        self.dropout = nn.Dropout(dropout)

    def forward(self, bottleneck):
        return self.dropout(self.patch_embeddings(bottleneck).flatten(2).transpose(1, 2) + self.position_embeddings)


class Interaction(nn.Module):
    def __init__(self, channels, patches, dropout):
        super().__init__()
        self.embeddings = Embeddings(channels, patches, dropout)
        self.attn_text = nn.MultiheadAttention(channels, HEADS, dropout=dropout, batch_first=True)
        self.attn_img = nn.MultiheadAttention(channels, HEADS, dropout=dropout, batch_first=True)
        self.CTBN = nn.ModuleDict(
            {"conv": nn.Conv1d(channels, channels, 3, padding=1), "norm": nn.BatchNorm1d(channels)}
        )

    def forward(self, bottleneck, tokens):
        v = self.embeddings(bottleneck)
        gathered = self.attn_text(tokens, v, v, need_weights=False)[0]
        words = F.relu(self.CTBN["norm"](self.CTBN["conv"](gathered.transpose(1, 2)))).transpose(1, 2)
        return self.attn_img(v, gathered, gathered, need_weights=False)[0], words


class Layer(nn.Module):
    def __init__(self, channels, dropout, cross):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(channels, HEADS, batch_first=True)
        self.self_attn_layer_norm = nn.LayerNorm(channels)
        self.encoder_attn = nn.MultiheadAttention(channels, HEADS, batch_first=True) if cross else None
        self.encoder_attn_layer_norm = nn.LayerNorm(channels) if cross else None
        self.fc1 = nn.Linear(channels, 2 * channels)
        self.fc2 = nn.Linear(2 * channels, channels)
        self.final_layer_norm = nn.LayerNorm(channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None, context=None, context_mask=None):
        attended = self.self_attn(x, x, x, attn_mask=mask, need_weights=False)[0]
        x = self.self_attn_layer_norm(x + self.dropout(attended))
        if self.encoder_attn is not None:
            gathered = self.encoder_attn(x, context, context, attn_mask=context_mask, need_weights=False)[0]
            x = self.encoder_attn_layer_norm(x + self.dropout(gathered))
        return self.final_layer_norm(x + self.dropout(self.fc2(F.relu(self.fc1(x)))))


class Stack(nn.Module):
    def __init__(self, layers, channels, dropout, cross):
        super().__init__()
        self.decoder_layers = nn.ModuleList(Layer(channels, dropout, cross) for _ in range(layers))

    def forward(self, x, *rest):
        for layer in self.decoder_layers:
            x = layer(x, *rest)
        return x


def conditioned(probability, queries):
    """ln(P + 1e-10) for every head and query: [B,N] -> [B*H,M,N]."""
    mask = (probability + 1e-10).log()[:, None, None, :].expand(-1, HEADS, queries, -1)
    return mask.reshape(-1, queries, probability.shape[1])


class Reconstructor(nn.Module):
    def __init__(self, layers, channels, dropout):
        super().__init__()
        self.decoder1 = Stack(layers, channels, dropout, False)
        self.decoder2 = Stack(layers, channels, dropout, True)

    def forward(self, masked, context, probability):
        encoded = self.decoder1(context, conditioned(probability, context.shape[1]))
        return self.decoder2(masked, None, encoded, conditioned(probability, masked.shape[1]))


def interest(channels):
    return nn.Sequential(nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, 1))


def draw(probability, valid, ratio, strategy):
    """True where an item is hidden: the k of highest key in each row."""
    keys = probability.detach()
    if strategy == "distribution":
        keys = keys.log() - (-torch.rand_like(keys).clamp_min(1e-20).log()).log()
    lengths = valid.sum(1)
    count = torch.floor(ratio * lengths.double()).long().clamp_min(1)
    ranks = keys.masked_fill(~valid, -torch.inf).argsort(1, True).argsort(1)
    return ranks < count[:, None]


class RecLMIS(nn.Module):
    def __init__(self, w, side, layers, dropout, strategy):
        super().__init__()
        channels, patches = 8 * w, (side // 16) ** 2
        self.strategy = strategy
        self.inc = ConvBNReLU(3, w)
        self.down1, self.down2 = Down(w, 2 * w), Down(2 * w, 4 * w)
        self.down3, self.down4 = Down(4 * w, 8 * w), Down(8 * w, 8 * w)
        self.text_module4 = nn.Conv1d(512, channels, 3, padding=1)
        self.interact = Interaction(channels, patches, dropout)
        self.up4, self.up3 = Up(16 * w, 4 * w), Up(8 * w, 2 * w)
        self.up2, self.up1 = Up(4 * w, w), Up(2 * w, w)
        self.outc = nn.Conv2d(w, 1, 1)
        self.mlp_visual, self.mlp_woi = interest(channels), interest(channels)
        self.clip = nn.Module()
        self.clip.register_buffer("logit_scale", torch.zeros(()))
        self.rec_img_trans1 = Reconstructor(layers, channels, dropout)
        self.rec_text_trans1 = Reconstructor(layers, channels, dropout)

    def forward(self, images, features, valid):
        x1 = self.inc(images)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x4 = self.down3(x3)
        x5 = self.down4(x4)
        patches = x5.flatten(2).transpose(1, 2)
        tokens = self.text_module4(features.transpose(1, 2)).transpose(1, 2)
        image, words = self.interact(x5, tokens)
        x = image.transpose(1, 2).reshape(x5.shape)
        x = self.up1(self.up2(self.up3(self.up4(x, x4), x3), x2), x1)
        logits = self.outc(x)

        poi = self.mlp_visual(image).squeeze(-1).softmax(-1)
        woi = self.mlp_woi(words).squeeze(-1).masked_fill(~valid, -torch.inf).softmax(-1)
        every = torch.ones_like(poi, dtype=torch.bool)
        hidden = draw(poi, every, 0.5, self.strategy)
        cvr = F.mse_loss(
            self.rec_img_trans1(patches.masked_fill(hidden[..., None], 0), tokens, woi), patches.detach()
        )
        hidden = draw(woi, valid, 0.3, self.strategy)
        target = F.layer_norm(tokens.detach(), tokens.shape[-1:])
        clr = F.mse_loss(self.rec_text_trans1(tokens.masked_fill(hidden[..., None], 0), patches, poi), target)
        return logits, self.contrast(patches, tokens, valid, poi, woi), clr, cvr

    def contrast(self, patches, tokens, valid, poi, woi):
        t = F.normalize(tokens, dim=-1) * valid[..., None]
        v = F.normalize(patches, dim=-1)
        similarity = torch.einsum("atc,bvc->atbv", t, v)
        pairs = (similarity.amax(3) * woi[..., None]).sum(1) + (similarity.amax(1) * poi).sum(2)
        logits = 0.5 * pairs * self.clip.logit_scale.exp()
        own = torch.arange(len(logits))
        return 0.5 * (F.cross_entropy(logits, own) + F.cross_entropy(logits.t(), own))


def losses(model, data):
    masks = data["masks"]
    logits, ccl, clr, cvr = model(data["images"], data["features"], data["valid"])
    p, t = logits.sigmoid().flatten(1) / 2, masks.flatten(1) / 2
    dice = (1 - (2 * (p * t).sum(1) + 1e-5) / ((p * p).sum(1) + (t * t).sum(1) + 1e-5)).mean()
    bce = F.binary_cross_entropy_with_logits(logits, masks)
    total = 2.5 * (dice + bce) + 0.2 * ccl + clr + cvr
    return {"total": total, "dice": dice, "bce": bce, "ccl": ccl, "clr": clr, "cvr": cvr}


def main():
    model = optimizer = data = None
    for line in sys.stdin:
        asked = json.loads(line)
        if "load" in asked:
            torch.set_num_threads(asked["threads"])
            tensors = read_safetensors(asked["load"])
            weights = {key[6:]: value for key, value in tensors.items() if key.startswith("model.")}
            data = {key: value for key, value in tensors.items() if not key.startswith("model.")}
            data["valid"] = data["valid"].bool()
            width, side = weights["inc.conv.weight"].shape[0], data["images"].shape[-1]
            model = RecLMIS(width, side, asked["layers"], asked["dropout"], asked["strategy"]).train()
            missing, unexpected = model.load_state_dict(weights, strict=False)
            odd = [key for key in missing if not key.endswith("num_batches_tracked")] + unexpected
            if odd:
                raise SystemExit(f"keys differ: {odd}")
            optimizer = torch.optim.Adam(model.parameters(), lr=asked["lr"])
            answer = {"torch": torch.__version__}
        else:
            begun = time.perf_counter()
            values = losses(model, data)
            optimizer.zero_grad(set_to_none=True)
            values["total"].backward()
            optimizer.step()
            answer = {
                "losses": {name: value.item() for name, value in values.items()},
                "seconds": time.perf_counter() - begun,
            }
        print(json.dumps(answer), flush=True)


main()
