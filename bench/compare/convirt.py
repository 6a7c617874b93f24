"""ConVIRT as a segmenter, in plain PyTorch; see harness.py."""

import torch
import torch.nn.functional as F
from torch import nn

from harness import main, mask_losses
from resnet_unet import ResNetUNet


class ConVIRT(ResNetUNet):
    def __init__(self, shapes):
        super().__init__(shapes)
        for name in ("res_l1", "res_l2", "bert_l1", "bert_l2"):
            after, before = shapes[f"{name}.weight"]
            setattr(self, name, nn.Linear(before, after))

    def losses(self, images, masks, note):
        maps = self.encoder(images)
        logits = self.segmentation_head(self.decoder(maps))
        image = self.res_l2(F.relu(self.res_l1(maps[-1].mean((2, 3)))))
        words = note.features.masked_fill(~note.valid[..., None], -torch.inf).amax(1)
        text = self.bert_l2(F.relu(self.bert_l1(words)))
        similarity = F.normalize(image, dim=1) @ F.normalize(text, dim=1).t() / 0.1
        own = torch.arange(len(images))
        contrastive = 0.75 * F.cross_entropy(similarity, own) + 0.25 * F.cross_entropy(similarity.t(), own)
        return {**mask_losses(logits, masks), "contrastive": contrastive}


def build(shapes, size, dropout, options):
    return ConVIRT(shapes)


if __name__ == "__main__":
    main(build)
