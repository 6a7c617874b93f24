"""GLoRIA as a segmenter, in plain PyTorch; see harness.py."""

import torch
import torch.nn.functional as F
from torch import nn

from harness import main, mask_losses
from resnet_unet import ResNetUNet


def both_ways(similarity):
    own = torch.arange(len(similarity))
    return F.cross_entropy(similarity, own) + F.cross_entropy(similarity.t(), own)


class GLoRIA(ResNetUNet):
    def __init__(self, shapes):
        super().__init__(shapes)
        after, before = shapes["global_embedder.weight"]
        self.global_embedder = nn.Linear(before, after)
        self.local_embedder = nn.Conv2d(shapes["local_embedder.weight"][1], after, 1, bias=False)

    def losses(self, images, masks, note):
        maps = self.encoder(images)
        logits = self.segmentation_head(self.decoder(maps))
        whole = self.global_embedder(maps[-1].mean((2, 3)))
        regions = self.local_embedder(maps[-2]).flatten(2).transpose(1, 2)  # [B,R,W]
        features = note.features * note.valid[..., None]
        similarity = 10 * F.cosine_similarity(whole[:, None], features.sum(1)[None], dim=-1)
        return {
            **mask_losses(logits, masks),
            "global": both_ways(similarity),
            "local": both_ways(self.local_similarity(regions, features, note.valid.sum(1))),
        }

    def local_similarity(self, regions, features, lengths):
        """[images,notes]: as the authors do, note by note, over all images at once."""
        columns = []
        for i, length in enumerate(lengths.tolist()):
            words = features[i, : max(length - 1, 1)]  # [L,W], without the end token
            scores = regions @ words.t()  # [B,R,L]
            attention = (4 * scores.softmax(2)).softmax(1)
            context = attention.transpose(1, 2) @ regions  # [B,L,W]
            match = F.cosine_similarity(words[None], context, dim=-1)
            columns.append(10 * torch.logsumexp(5 * match, 1))
        return torch.stack(columns, 1)


def build(shapes, size, dropout, options):
    return GLoRIA(shapes)


if __name__ == "__main__":
    main(build)
