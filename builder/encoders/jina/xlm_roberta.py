"""The text tower of jina-clip v2 (Sturua et al. 2024, arXiv:2409.10173).

XLM-RoBERTa with rotary positions (Su et al. 2021, arXiv:2104.09864), and with LoRA adapters (Hu
et al. 2021, arXiv:2106.09685) in the file, which are always on and so are merged into the
weights. Attributes are named as in the published state dict; shapes as in jina_bert.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from builder.encoders.jina.bert import Embeddings, TextTower
from builder.encoders.jina.config import Lora

LAYER_NORM_EPS = 1e-5
ROPE_BASE = 20_000.0
HEAD_WIDTH = 64
TOKEN_TYPES = 1


def rope_table(length: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """(cos, sin), each float32 [L, 64]; the angles of a head's first half are repeated."""
    exponents = torch.arange(0, HEAD_WIDTH, 2, dtype=torch.float32, device=device) / HEAD_WIDTH
    positions = torch.arange(length, dtype=torch.float32, device=device)
    angles = torch.outer(positions, ROPE_BASE**-exponents).repeat(1, 2)
    return angles.cos(), angles.sin()


class MLP(nn.Module):
    def __init__(self, hidden: int, intermediate: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(hidden, intermediate)
        self.fc2 = nn.Linear(intermediate, hidden)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(x)))  # type: ignore[no-any-return]


def lora_keys(key: str) -> tuple[str, str, str]:
    """What the file holds in the place of a matrix `key`: (original, lora_A, lora_B)."""
    stem = f"{key.removesuffix('weight')}parametrizations.weight."
    return f"{stem}original", f"{stem}0.lora_A", f"{stem}0.lora_B"


def stored_shapes(shapes: Mapping[str, tuple[int, ...]], rank: int) -> dict[str, tuple[int, ...]]:
    """The tower's keys and shapes -> those of its file, where each matrix has an adapter."""
    stored: dict[str, tuple[int, ...]] = {}
    for key, shape in shapes.items():
        if len(shape) != 2:
            stored[key] = shape
            continue
        original, lora_a, lora_b = lora_keys(key)
        tall, wide = (1, shape[0], rank), (1, rank, shape[1])
        first, second = (tall, wide) if _is_embedding(key) else (wide, tall)
        stored |= {original: shape, lora_a: first, lora_b: second}
    return stored


def merge_lora(key: str, original: Tensor, lora_a: Tensor, lora_b: Tensor, lora: Lora) -> Tensor:
    """The matrix `key` with its only adapter, in the type of `original` (float32, see below).

    Cast afterwards: merging in float16 costs 1e-4 on an embedding.
    """
    adapter = lora_a[0] @ lora_b[0] if _is_embedding(key) else lora_b[0] @ lora_a[0]
    return original + lora.alpha / lora.rank * adapter


def _is_embedding(key: str) -> bool:
    return key.startswith("embeddings.")


class XLMRoberta(TextTower):
    prefix = "text_model.transformer.roberta."
    words = lora_keys("embeddings.word_embeddings.weight")[0]
    down = lora_keys("encoder.layers.0.mlp.fc2.weight")[0]
    multiple = HEAD_WIDTH

    def __init__(self, vocabulary: int, hidden: int, intermediate: int, layers: int) -> None:
        embeddings = Embeddings(vocabulary, TOKEN_TYPES, hidden)
        mlps = (MLP(hidden, intermediate) for _ in range(layers))
        super().__init__(embeddings, hidden, hidden // HEAD_WIDTH, LAYER_NORM_EPS, mlps)

    def where(self, mask: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
        cos, sin = rope_table(mask.shape[1], mask.device)
        return mask[:, None, None, :], cos.to(dtype), sin.to(dtype)
