"""What the scripts of this folder share: the losses, the check with a golden file, and the answers to bench/compare.ts.

    python3 bench/compare/NAME.py --golden FILE.json

fills the model by the hash recipe of docs/method.md 12 and compares its probability, losses and gradient norms with the file. Without arguments
a script reads and writes lines of JSON:

    {"load": FILE.safetensors, "dropout": 0.1, "options": {...}, "frozen": [KEY, ...], "notes": [...], "threads": 2, "lr": 3e-4,
     "training": true}                                              ->  {"torch": VERSION}
    {"step": 1}   a training step on the batch                      ->  {"losses": {...}, "seconds": S}
    {"infer": 1}  the first image's mask, in evaluation mode        ->  {"sample": [every 97th probability], "seconds": S}

With "training" false, steps too are taken in evaluation mode, where nothing is random.

The file holds the weights under `model.`, and `images` [B,3,S,S], `masks` [B,1,S,S], and of the notes `features` [B,T,W], `valid` [B,T]
(uint8) and `ids` [B,T] (int64), as far as the model reads them.
"""

import argparse
import json
import math
import os
import re
import sys
import time
from typing import NamedTuple, Optional

import numpy
import torch
import torch.nn.functional as F
from torch import nn

TOLERANCE = 1e-4
# Gradients smaller than this share of the largest count as rounding.
SMALL = 2**-20
IMAGE_POSITION = 100_000
# RecLMIS's authors call two losses otherwise.
OTHER_NAMES = {"clr": "text_rec", "cvr": "img_rec"}
# Every so manyth pixel of a mask is compared.
SAMPLE = 97


class Note(NamedTuple):
    features: Optional[torch.Tensor] = None  # [B,T,W]
    valid: Optional[torch.Tensor] = None  # bool [B,T]
    ids: Optional[torch.Tensor] = None  # int64 [B,T], 0 where there is no token
    texts: Optional[list] = None  # as written
    options: Optional[dict] = None  # of a golden file

    def first(self):
        """The note of the first image."""
        return Note(*(None if x is None else x[:1] for x in self[:4]), self.options)


class Segmenter(nn.Module):
    """A model whose losses are those of its mask. Others override `losses`; all give the logits [B,1,S,S] from `forward(images, note)`."""

    # Of the losses in the objective; 1 where none is named.
    weights = {"dice": 0.5, "bce": 0.5}

    def losses(self, images, masks, note):
        return mask_losses(self(images, note), masks)


def mask_losses(logits, masks):
    """Dice and cross-entropy, docs/method.md 8."""
    p, t = logits.sigmoid().flatten(1) / 2, masks.flatten(1) / 2
    dice = (1 - (2 * (p * t).sum(1) + 1e-5) / ((p * p).sum(1) + (t * t).sum(1) + 1e-5)).mean()
    return {"dice": dice, "bce": F.binary_cross_entropy_with_logits(logits, masks)}


def weighted(losses, weights):
    return sum(weights.get(name, 1) * value for name, value in losses.items())


def count(shapes, pattern):
    """How many of the keys match: the number of a model's layers, for example."""
    return sum(re.search(pattern, key) is not None for key in shapes)


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


def load(model, weights, optional=()):
    """Fills a model by key. Counters of batch norms are not compared; keys in `optional` may be missing from the model."""
    missing, unexpected = model.load_state_dict(weights, strict=False)
    odd = [key for key in missing if not key.endswith("num_batches_tracked")] + [key for key in unexpected if key not in optional]
    if odd:
        raise SystemExit(f"keys differ: {odd}")
    return model


# The golden files


def hashed(shape, position, seed):
    """u in [-1,1) for each element, docs/method.md 12."""
    with numpy.errstate(over="ignore"):
        h = numpy.arange(1, math.prod(shape) + 1, dtype=numpy.uint32) * numpy.uint32(2654435761)
        h += numpy.uint32(((position + 1) * 40503 + seed * 668265263) % 2**32)
        h ^= h >> numpy.uint32(16)
        h *= numpy.uint32(2246822507)
        h ^= h >> numpy.uint32(13)
        h *= numpy.uint32(3266489909)
        h ^= h >> numpy.uint32(16)
    return h.astype(numpy.float64).reshape(shape) / 2**31 - 1


def filled(key, shape, position, seed):
    u = hashed(shape, position, seed)
    if key.endswith("running_mean"):
        values = 0.1 * u
    elif key.endswith("running_var"):
        values = 1 + 0.5 * numpy.abs(u)
    elif key == "clip.logit_scale":
        values = numpy.full(shape, 2.0)
    elif len(shape) < 2:
        values = 1 + 0.1 * u if key.endswith("weight") else 0.02 * u
    elif re.search("token_embedding|positional_embedding|position_embeddings", key):
        values = 0.05 * u
    else:
        fan = shape[0] if key == "clip.text_projection" else math.prod(shape[1:])
        values = math.sqrt(3 / fan) * u
    return torch.from_numpy(numpy.asarray(values, numpy.float32))


def golden_note(golden):
    # What the authors' run drew or was told, besides the notes.
    drawn = {key: golden[key] for key in ("masked_patches", "masked_words") if key in golden}
    options = {**golden.get("options", {}), **drawn}
    ids = torch.tensor(golden["tokens"]) if "tokens" in golden else None
    shape = golden.get("text_shape")
    if shape is None:
        return Note(ids=ids, valid=None if ids is None else ids != 0, options=options)
    features = torch.from_numpy(hashed(shape, golden["text_stream"], golden["seed"]).astype(numpy.float32))
    rows, tokens, _ = shape
    lengths = torch.tensor(golden.get("text_lengths", [tokens] * rows))
    valid = torch.arange(tokens) < lengths[:, None]
    if "text_mask" in golden:
        valid = torch.tensor(golden["text_mask"]).bool()
    return Note(features, valid, ids, None, options)


def relative(actual, expected):
    return abs(actual - expected) / max(abs(expected), 1e-12)


def check_golden(build, path):
    with open(path) as file:
        golden = json.load(file)
    seed, batch = golden["seed"], golden["batch"]
    side = golden["outputs"]["probability"]["shape"][-1]
    shapes = {key: shape for key, shape, _ in golden["parameters"]}
    used = {key: flag for key, _, flag in golden["parameters"]}
    model = build(shapes, side, dropout=0.0, options={}).eval()
    weights = {key: filled(key, shape, p, seed) for p, (key, shape, _) in enumerate(golden["parameters"])}
    # The statistics of layers that take no part are marked as used; their weights say better.
    idle = {key for key in used if not used[key] or not used.get(re.sub(r"running_(mean|var)$", "weight", key), True)}
    load(model, weights, idle)
    images = torch.from_numpy(((hashed([batch, 3, side, side], IMAGE_POSITION, seed) + 1) / 2).astype(numpy.float32))
    masks = torch.zeros(batch, 1, side, side)
    for b, (top, bottom, left, right) in enumerate(golden["mask_boxes"]):
        masks[b, :, top:bottom, left:right] = 1
    note = golden_note(golden)

    with torch.no_grad():
        probability = model(images, note).sigmoid()
    full = os.path.splitext(path)[0] + ".safetensors"
    if os.path.exists(full):
        worst = (probability - read_safetensors(full)["probability"]).abs().max().item()
    else:
        first = torch.tensor(golden["outputs"]["probability"]["first"])
        worst = (probability.flatten()[: len(first)] - first).abs().max().item()
    results = {"probability": worst}

    losses = model.losses(images, masks, note)
    total = weighted(losses, model.weights)
    total.backward()
    values = {name: value.item() for name, value in losses.items()}
    values.update(seg=(values["dice"] + values["bce"]) / 2, total=total.item())
    values = {OTHER_NAMES.get(name, name): value for name, value in values.items()}
    expected = golden["outputs"]["losses"]
    results.update({name: relative(values[name], value) for name, value in expected.items() if name in values})
    largest = max(golden["gradient_norms"].values())
    parameters = dict(model.named_parameters())
    gradient, where = 0.0, ""
    for key, norm in golden["gradient_norms"].items():
        grad = parameters[key].grad
        error = abs((0.0 if grad is None else grad.norm().item()) - norm) / max(norm, largest * SMALL)
        if error > gradient:
            gradient, where = error, key

    if "deep_supervision" in golden:
        with torch.no_grad():
            supervised = weighted(model.train().losses(images, masks, note), model.weights).item()
        results["deep_supervision"] = relative(supervised, golden["deep_supervision"]["loss"])

    passed = all(error < TOLERANCE for error in results.values())
    print(
        json.dumps(
            {
                "golden": os.path.basename(path),
                "passed": passed,
                "parameters": sum(p.numel() for p in model.parameters()),
                "differences": results,
                "notCompared": [name for name in expected if name not in values],
                "worstGradientNorm": [gradient, where],
            }
        )
    )
    return passed


# The comparison


class Run:
    def __init__(self, build, asked):
        torch.set_num_threads(asked["threads"])
        tensors = read_safetensors(asked["load"])
        weights = {key[6:]: value for key, value in tensors.items() if key.startswith("model.")}
        shapes = {key: list(value.shape) for key, value in weights.items()}
        self.images, self.masks = tensors["images"], tensors["masks"]
        valid = tensors.get("valid")
        self.note = Note(tensors.get("features"), None if valid is None else valid.bool(), tensors.get("ids"), asked["notes"])
        model = build(shapes, self.images.shape[-1], dropout=asked["dropout"], options=asked["options"])
        self.model, self.training = load(model, weights), asked["training"]
        for key, parameter in self.model.named_parameters():
            if key in asked["frozen"]:
                parameter.requires_grad_(False)
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(trained, lr=asked["lr"])

    def step(self):
        self.model.train(self.training)
        begun = time.perf_counter()
        losses = self.model.losses(self.images, self.masks, self.note)
        losses["total"] = weighted(losses, self.model.weights)
        self.optimizer.zero_grad(set_to_none=True)
        losses["total"].backward()
        self.optimizer.step()
        values = {name: value.item() for name, value in losses.items()}
        return {"losses": values, "seconds": time.perf_counter() - begun}

    def infer(self):
        self.model.eval()
        begun = time.perf_counter()
        with torch.no_grad():
            probability = self.model(self.images[:1], self.note.first()).sigmoid()
        seconds = time.perf_counter() - begun
        return {"sample": probability.flatten()[::SAMPLE].tolist(), "seconds": seconds}


def main(build):
    """@param build: model of (shapes by key, image side, dropout, options)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--golden", action="append", help="compare with this golden file")
    files = parser.parse_args().golden
    if files:
        sys.exit(0 if all([check_golden(build, path) for path in files]) else 1)
    run = None
    for line in sys.stdin:
        asked = json.loads(line)
        if "load" in asked:
            run = Run(build, asked)
            answer = {"torch": torch.__version__}
        else:
            answer = run.step() if "step" in asked else run.infer()
        print(json.dumps(answer), flush=True)
