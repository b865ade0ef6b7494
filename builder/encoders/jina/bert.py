"""JinaBERT, the text tower of jina-clip v1 (Günther et al. 2023, arXiv:2310.19923).

A post-norm BERT with ALiBi in the place of positions, and GEGLU. What it shares with the text
tower of v2 is here too. Attributes are named as in the published state dict. In shapes, m is
texts, L tokens, D hidden size.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

LAYER_NORM_EPS = 1e-12
HEADS = 12
TOKEN_TYPES = 2


def alibi_slopes(heads: int) -> list[float]:
    """How fast each head's attention falls off (Press et al. 2022, arXiv:2108.12409).

    2^(-8i/p) for the largest power of two p <= heads; the other heads take every second one of
    the sequence for 2p.
    """
    power = 1 << (heads.bit_length() - 1)
    slopes = [2 ** (-8 * i / power) for i in range(1, power + 1)]
    return slopes + [2 ** (-8 * (2 * i - 1) / (2 * power)) for i in range(1, heads - power + 1)]


def alibi_bias(heads: int, length: int, device: torch.device) -> Tensor:
    """float32 [heads, L, L]: -slope * distance, in both directions."""
    slopes = torch.tensor(alibi_slopes(heads), dtype=torch.float32, device=device)
    place = torch.arange(length, dtype=torch.float32, device=device)
    return -slopes[:, None, None] * (place[:, None] - place[None]).abs()


def mean_pooling(x: Tensor, mask: Tensor) -> Tensor:
    """[m, L, D] -> float32 [m, D], over the tokens where the bool `mask` [m, L] is true."""
    weight = mask[:, :, None].float()
    return (x.float() * weight).sum(dim=1) / weight.sum(dim=1)


class Embeddings(nn.Module):
    """Token ids [m, L] -> [m, L, D]; every token is of type 0."""

    def __init__(self, vocabulary: int, types: int, hidden: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(vocabulary, hidden)
        self.token_type_embeddings = nn.Embedding(types, hidden)

    def forward(self, ids: Tensor) -> Tensor:
        return self.word_embeddings(ids) + self.token_type_embeddings.weight[0]  # type: ignore[no-any-return]


class Layer(nn.Module):
    """A post-norm transformer layer [m, L, D] -> [m, L, D]; `where` goes to the attention."""

    def __init__(self, mixer: nn.Module, mlp: nn.Module, hidden: int, eps: float) -> None:
        super().__init__()
        self.mixer = mixer
        self.norm1 = nn.LayerNorm(hidden, eps=eps)
        self.mlp = mlp
        self.norm2 = nn.LayerNorm(hidden, eps=eps)

    def forward(self, x: Tensor, *where: Tensor) -> Tensor:
        x = self.norm1(x + self.mixer(x, *where))
        return self.norm2(x + self.mlp(x))  # type: ignore[no-any-return]


def rotate_halves(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """The halves (a, b) of each head -> (a cos - b sin, b cos + a sin); x [..., L, h]."""
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-b, a), dim=-1) * sin


class Attention(nn.Module):
    """[m, L, D] -> [m, L, D]; `mask` [m, heads or 1, L or 1, L] is added to the scaled scores, or
    is true where a key may be looked at; `rope` turns queries and keys."""

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.Wqkv = nn.Linear(hidden, 3 * hidden)
        self.out_proj = nn.Linear(hidden, hidden)

    def forward(self, x: Tensor, mask: Tensor, *rope: Tensor) -> Tensor:
        q, k, v = self.Wqkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        if rope:
            q, k = rotate_halves(q, *rope), rotate_halves(k, *rope)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class TextTower(nn.Module, ABC):
    """Token ids [m, L] and the bool mask [m, L] of those that are no padding -> [m, D].

    In the file its tensors are named `prefix` and what the matrices `words` and `down` tell its
    sizes by; its width is a multiple of `multiple`.
    """

    prefix: ClassVar[str]
    words: ClassVar[str]
    down: ClassVar[str]
    multiple: ClassVar[int]

    def __init__(
        self, embeddings: Embeddings, hidden: int, heads: int, eps: float, mlps: Iterable[nn.Module]
    ) -> None:
        super().__init__()
        self.embeddings = embeddings
        self.emb_ln = nn.LayerNorm(hidden, eps=eps)
        layers = (Layer(Attention(hidden, heads), mlp, hidden, eps) for mlp in mlps)
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(layers)})

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = self.emb_ln(self.embeddings(ids))
        where = self.where(mask, x.dtype)
        for layer in self.encoder["layers"].children():
            x = layer(x, *where)
        return mean_pooling(x, mask)

    @abstractmethod
    def where(self, mask: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
        """What the attention is told of the tokens' places: its mask, and tables of angles."""


class GEGLU(nn.Module):
    """[m, L, D] -> [m, L, D]; the first half of `gated_layers` is the gate."""

    def __init__(self, hidden: int, intermediate: int) -> None:
        super().__init__()
        self.gated_layers = nn.Linear(hidden, 2 * intermediate, bias=False)
        self.wo = nn.Linear(intermediate, hidden)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.gated_layers(x).chunk(2, dim=-1)
        return self.wo(functional.gelu(gate) * value)  # type: ignore[no-any-return]


class JinaBert(TextTower):
    prefix = "text_model.transformer."
    words = "embeddings.word_embeddings.weight"
    down = "encoder.layers.0.mlp.wo.weight"
    multiple = HEADS

    def __init__(self, vocabulary: int, hidden: int, intermediate: int, layers: int) -> None:
        embeddings = Embeddings(vocabulary, TOKEN_TYPES, hidden)
        mlps = (GEGLU(hidden, intermediate) for _ in range(layers))
        super().__init__(embeddings, hidden, HEADS, LAYER_NORM_EPS, mlps)

    def where(self, mask: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
        bias = alibi_bias(HEADS, mask.shape[1], mask.device).to(dtype)
        return (bias.masked_fill(~mask[:, None, None, :], -torch.inf),)  # [m, heads, L, L]
