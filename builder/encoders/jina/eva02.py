"""EVA02, the vision tower of jina-clip v1 and v2 (Fang et al. 2023, arXiv:2303.11331).

A pre-norm vision transformer with 2-D rotary positions, SwiGLU, and a further LayerNorm inside
attention and MLP. Attributes are named as in the published state dict. In shapes, n is images,
T tokens (the patches of the grid g x g, and CLS in front), D width, h one head's width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from builder.encoders.jina.config import VisionConfig

LAYER_NORM_EPS = 1e-6
ROPE_BASE = 10_000.0


def rope_positions(config: VisionConfig) -> Tensor:
    """[g]: where the grid's rows, and its columns, stand on the axis of the pre-training."""
    positions = torch.arange(config.grid, dtype=torch.float32)
    # `intp_freq`: a finer grid is squeezed into the length that the tower was pre-trained on.
    return positions / config.grid * config.pt_hw_seq_len if config.intp_freq else positions


def rope_table(positions: Tensor, head_width: int) -> tuple[Tensor, Tensor]:
    """(cos, sin), each float32 [g*g, h], of the patches' angles, row by row.

    The first half of a head turns by the patch's row and the second by its column, each
    frequency 10000^(-2i/(h/2)) on two neighbours.
    """
    g, half = len(positions), head_width // 2
    exponents = torch.arange(0, half, 2, dtype=torch.float32, device=positions.device) / half
    angles = torch.outer(positions, ROPE_BASE**-exponents).repeat_interleave(2, dim=1)  # [g, h/2]
    rows, columns = angles[:, None].expand(g, g, half), angles[None].expand(g, g, half)
    both = torch.cat((rows, columns), dim=-1).flatten(0, 1)
    return both.cos(), both.sin()


def rotate_pairs(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Each pair of neighbours (a, b) -> (a cos - b sin, b cos + a sin); x [..., T, h]."""
    turned = torch.stack((-x[..., 1::2], x[..., ::2]), dim=-1).flatten(-2)
    return x * cos + turned * sin


class PatchEmbed(nn.Module):
    """Images [n, 3, s, s] -> [n, g*g, D]."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, config.width, config.patch_size, stride=config.patch_size)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.proj(pixels).flatten(2).transpose(1, 2)  # type: ignore[no-any-return]


class Attention(nn.Module):
    """[n, T, D] -> [n, T, D]; keys have no bias."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        width = config.width
        self.head_width = config.head_width
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(width))
        self.v_bias = nn.Parameter(torch.zeros(width))
        self.inner_attn_ln = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        q = self._heads(functional.linear(x, self.q_proj.weight, self.q_bias))
        k = self._heads(functional.linear(x, self.k_proj.weight))
        v = self._heads(functional.linear(x, self.v_proj.weight, self.v_bias))
        q, k = rotate_pairs(q, cos, sin), rotate_pairs(k, cos, sin)
        mixed = functional.scaled_dot_product_attention(q, k, v)  # [n, heads, T, h]
        return self.proj(self.inner_attn_ln(mixed.transpose(1, 2).flatten(2)))  # type: ignore[no-any-return]

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], -1, self.head_width).transpose(1, 2)


class SwiGLU(nn.Module):
    """[n, T, D] -> [n, T, D], gated by the branch of w1."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.w1 = nn.Linear(config.width, config.mlp_hidden)
        self.w2 = nn.Linear(config.width, config.mlp_hidden)
        self.ffn_ln = nn.LayerNorm(config.mlp_hidden, eps=LAYER_NORM_EPS)
        self.w3 = nn.Linear(config.mlp_hidden, config.width)

    def forward(self, x: Tensor) -> Tensor:
        return self.w3(self.ffn_ln(functional.silu(self.w1(x)) * self.w2(x)))  # type: ignore[no-any-return]


class Block(nn.Module):
    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width, eps=LAYER_NORM_EPS)
        self.attn = Attention(config)
        self.norm2 = nn.LayerNorm(config.width, eps=LAYER_NORM_EPS)
        self.mlp = SwiGLU(config)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x), cos, sin)
        return x + self.mlp(self.norm2(x))  # type: ignore[no-any-return]


class EVA02(nn.Module):
    """Normalised pixels [n, 3, s, s] -> features [n, D], the CLS token after the last norm."""

    rope_cos: Tensor  # [T, h]
    rope_sin: Tensor

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_embed = PatchEmbed(config)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, config.grid**2 + 1, config.width))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width, eps=LAYER_NORM_EPS)
        self.register_buffer("rope_cos", None, persistent=False)
        self.register_buffer("rope_sin", None, persistent=False)

    def init_rope(self, device: torch.device, dtype: torch.dtype) -> None:
        """The tables that no file holds; once the weights have left the meta device."""
        cos, sin = rope_table(rope_positions(self.config), self.config.head_width)
        # CLS has no place in the grid: it turns by the angle 0.
        self.rope_cos = functional.pad(cos, (0, 0, 1, 0), value=1.0).to(device, dtype)
        self.rope_sin = functional.pad(sin, (0, 0, 1, 0), value=0.0).to(device, dtype)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.patch_embed(pixels)
        x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x, self.rope_cos, self.rope_sin)
        return self.norm(x)[:, 0]  # type: ignore[no-any-return]
