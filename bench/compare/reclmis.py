"""RecLMIS in plain PyTorch, docs/method.md 2 to 9; see harness.py. The comparison takes the paper's variant, whose notes come as features; golden files the
upstream one, with CLIP's text tower in the model."""

import torch
import torch.nn.functional as F
from torch import nn

from blocks import ClipBlock, ConvBNReLU, Down, Up
from harness import count, main, mask_losses, Segmenter

HEADS = 4


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


def backward_only(tokens):
    """Upstream's causal mask: what lies ahead is hidden."""
    return torch.full((tokens, tokens), -torch.inf).triu(1)


class Reconstructor(nn.Module):
    def __init__(self, layers, channels, dropout, causal):
        super().__init__()
        self.causal = causal
        self.decoder1 = Stack(layers, channels, dropout, False)
        self.decoder2 = Stack(layers, channels, dropout, True)

    def forward(self, masked, context, probability):
        N, M = context.shape[1], masked.shape[1]
        own = conditioned(probability, N)
        encoded = self.decoder1(context, own + backward_only(N) if self.causal else own)
        return self.decoder2(masked, backward_only(M) if self.causal else None, encoded, conditioned(probability, M))


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


class TextTower(nn.Module):
    """CLIP's; `logit_scale` alone where the notes come as features."""

    def __init__(self, shapes):
        super().__init__()
        self.register_buffer("logit_scale", torch.zeros(()))
        if "clip.token_embedding.weight" not in shapes:
            return
        vocabulary, width = shapes["clip.token_embedding.weight"]
        layers = count(shapes, r"^clip\.transformer\.resblocks\.\d+\.ln_1\.weight$")
        self.token_embedding = nn.Embedding(vocabulary, width)
        self.positional_embedding = nn.Parameter(torch.zeros(shapes["clip.positional_embedding"]))
        blocks = nn.ModuleList(ClipBlock(width, width // 64) for _ in range(layers))
        self.transformer = nn.ModuleDict({"resblocks": blocks})
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.zeros(shapes["clip.text_projection"]))

    @torch.no_grad()
    def forward(self, ids, valid):
        T = ids.shape[1]
        x = self.token_embedding(ids) + self.positional_embedding[:T]
        ahead = torch.ones(T, T, dtype=torch.bool).triu(1)
        for block in self.transformer["resblocks"]:
            x = block(x, attn_mask=ahead, key_padding_mask=~valid)
        return self.ln_final(x) @ self.text_projection


def marked(rows, length):
    """bool [rows,length], true at each row's indices."""
    flags = torch.zeros(len(rows), length, dtype=torch.bool)
    for flag, row in zip(flags, rows):
        flag[row] = True
    return flags


class RecLMIS(Segmenter):
    weights = {"dice": 2.5, "bce": 2.5, "ccl": 0.2}

    def __init__(self, shapes, side, layers, dropout, strategy):
        super().__init__()
        w = shapes["inc.conv.weight"][0]
        self.upstream = "clip.token_embedding.weight" in shapes
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
        self.clip = TextTower(shapes)
        self.rec_img_trans1 = Reconstructor(layers, channels, dropout, self.upstream)
        self.rec_text_trans1 = Reconstructor(layers, channels, dropout, self.upstream)

    def interacted(self, images, note):
        """F_V and F_T, both before and after the interaction, and the mask's logits."""
        x1 = self.inc(images)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x4 = self.down3(x3)
        x5 = self.down4(x4)
        features = self.clip(note.ids, note.valid) if self.upstream else note.features
        tokens = self.text_module4(features.transpose(1, 2)).transpose(1, 2)
        image, words = self.interact(x5, tokens)
        x = image.transpose(1, 2).reshape(x5.shape)
        x = self.up1(self.up2(self.up3(self.up4(x, x4), x3), x2), x1)
        return features, x5.flatten(2).transpose(1, 2), tokens, image, words, self.outc(x)

    def forward(self, images, note):
        return self.interacted(images, note)[-1]

    def losses(self, images, masks, note):
        features, patches, tokens, image, words, logits = self.interacted(images, note)
        valid = note.valid
        poi = self.mlp_visual(image).squeeze(-1).softmax(-1)
        woi = self.mlp_woi(words).squeeze(-1).masked_fill(~valid, -torch.inf).softmax(-1)
        if self.upstream:
            hidden_patches = marked(note.options["masked_patches"], poi.shape[1])
            hidden_words = marked(note.options["masked_words"], woi.shape[1])
            image_target, text_target = image, features
        else:
            hidden_patches = draw(poi, torch.ones_like(poi, dtype=torch.bool), 0.5, self.strategy)
            hidden_words = draw(woi, valid, 0.3, self.strategy)
            image_target, text_target = patches.detach(), F.layer_norm(tokens.detach(), tokens.shape[-1:])
        cvr = F.mse_loss(self.rec_img_trans1(patches.masked_fill(hidden_patches[..., None], 0), tokens, woi), image_target)
        clr = F.mse_loss(self.rec_text_trans1(tokens.masked_fill(hidden_words[..., None], 0), patches, poi), text_target)
        if self.upstream:
            poi, woi = poi.softmax(-1), woi.softmax(-1)
        ccl = self.contrast(patches, tokens, valid, poi, woi)
        return {**mask_losses(logits, masks), "ccl": ccl, "clr": clr, "cvr": cvr}

    def contrast(self, patches, tokens, valid, poi, woi):
        t = F.normalize(tokens, dim=-1) * valid[..., None]
        v = F.normalize(patches, dim=-1)
        similarity = torch.einsum("atc,bvc->atbv", t, v)
        pairs = (similarity.amax(3) * woi[..., None]).sum(1) + (similarity.amax(1) * poi).sum(2)
        logits = 0.5 * pairs * self.clip.logit_scale.exp()
        own = torch.arange(len(logits))
        return 0.5 * (F.cross_entropy(logits, own) + F.cross_entropy(logits.t(), own))


def build(shapes, size, dropout, options):
    layers = count(shapes, r"^rec_img_trans1\.decoder1\.decoder_layers\.\d+\.fc1\.weight$")
    return RecLMIS(shapes, size, layers, dropout, options.get("maskStrategy", "distribution"))


if __name__ == "__main__":
    main(build)
