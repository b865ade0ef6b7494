"""The golden values have teeth: each way of getting jina-clip wrong is far outside the tolerance.

`change` is how far the mistake moves a normalised embedding, as the reference states it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from builder.encoders.jina import bert as jina_bert
from builder.encoders.jina import eva02, xlm_roberta
from builder.encoders.jina.clip import JinaClipEncoder
from tests.encoders.jina_fixtures import (
    NORMALISED,
    RAW,
    difference,
    golden,
    image_difference,
    load,
    text_difference,
)

Patch = Callable[[pytest.MonkeyPatch], None]
Edit = Callable[[JinaClipEncoder], None]


@dataclass(frozen=True)
class Mistake:
    """`patch` before loading, `edit` of what was loaded."""

    name: str
    versions: tuple[str, ...]
    measure: Callable[[JinaClipEncoder, str], float]
    change: tuple[float, float]
    patch: Patch = lambda _: None
    edit: Edit = lambda _: None


def _replaced(module: object, name: str, value: object) -> Patch:
    return lambda monkeypatch: monkeypatch.setattr(module, name, value)


def _unmerged(_key: str, original: Tensor, *_: object, **__: object) -> Tensor:
    return original


def _unscaled(key: str, original: Tensor, a: Tensor, b: Tensor, _lora: object) -> Tensor:
    return original + (a[0] @ b[0] if key.startswith("embeddings.") else b[0] @ a[0])


_rotate_pairs = eva02.rotate_pairs
_rope_table = eva02.rope_table
_alibi_bias = jina_bert.alibi_bias
_gelu = functional.gelu


def _columns_first(positions: Tensor, head_width: int) -> tuple[Tensor, Tensor]:
    cos, sin = (
        torch.cat(tuple(reversed(table.chunk(2, dim=-1))), dim=-1)
        for table in _rope_table(positions, head_width)
    )
    return cos, sin


def _swap_swiglu(encoder: JinaClipEncoder) -> None:
    for block in encoder.vision.blocks:
        block.mlp.w1, block.mlp.w2 = block.mlp.w2, block.mlp.w1


def _swap_geglu(encoder: JinaClipEncoder) -> None:
    for layer in encoder.text.encoder.layers:
        gated = layer.mlp.gated_layers
        gate, value = gated.weight.chunk(2)
        gated.weight = nn.Parameter(torch.cat((value, gate)))


MISTAKES = [
    Mistake(
        "no LoRA",
        ("v2",),
        text_difference,
        (0.38, 0.38),
        _replaced(xlm_roberta, "merge_lora", _unmerged),
    ),
    Mistake(
        "LoRA scale forgotten",
        ("v2",),
        text_difference,
        (0.24, 0.24),
        _replaced(xlm_roberta, "merge_lora", _unscaled),
    ),
    Mistake(
        "vision rope sign",
        ("v1", "v2"),
        image_difference,
        (0.2, 0.3),
        _replaced(eva02, "rotate_pairs", lambda x, cos, sin: _rotate_pairs(x, cos, -sin)),
    ),
    Mistake(
        "vision rope rows and columns swapped",
        ("v1", "v2"),
        image_difference,
        (0.17, 0.17),
        _replaced(eva02, "rope_table", _columns_first),
    ),
    Mistake(
        "vision rope positions not scaled",
        ("v2",),
        image_difference,
        (0.15, 0.15),
        _replaced(eva02, "rope_positions", lambda config: torch.arange(config.grid).float()),
    ),
    Mistake(
        "SwiGLU's w1 and w2 swapped",
        ("v1", "v2"),
        image_difference,
        (0.23, 0.23),
        edit=_swap_swiglu,
    ),
    Mistake("GEGLU's halves swapped", ("v1",), text_difference, (0.35, 0.35), edit=_swap_geglu),
    Mistake(
        "ALiBi's sign",
        ("v1",),
        text_difference,
        (0.06, 0.06),
        _replaced(jina_bert, "alibi_bias", lambda *where: -_alibi_bias(*where)),
    ),
    Mistake(
        "ALiBi's slopes evenly spaced",
        ("v1",),
        text_difference,
        (0.03, 0.03),
        _replaced(
            jina_bert,
            "alibi_slopes",
            lambda heads: [2 ** (-8 * i / heads) for i in range(1, heads + 1)],
        ),
    ),
    Mistake(
        "text rope base 10000",
        ("v2",),
        text_difference,
        (3e-3, 3e-3),
        _replaced(xlm_roberta, "ROPE_BASE", 10_000.0),
    ),
    Mistake(
        "vision LayerNorm eps 1e-5",
        ("v1", "v2"),
        image_difference,
        (3e-3, 3e-3),
        _replaced(eva02, "LAYER_NORM_EPS", 1e-5),
    ),
    Mistake(
        "text LayerNorm eps of v1",
        ("v1",),
        text_difference,
        (4e-3, 4e-3),
        _replaced(jina_bert, "LAYER_NORM_EPS", 1e-5),
    ),
    Mistake(
        "text LayerNorm eps of v2",
        ("v2",),
        text_difference,
        (4e-4, 4e-4),
        _replaced(xlm_roberta, "LAYER_NORM_EPS", 1e-12),
    ),
    Mistake(
        "GELU by tanh",
        ("v1", "v2"),
        text_difference,
        (4e-5, 6e-5),
        _replaced(functional, "gelu", lambda x: _gelu(x, approximate="tanh")),
    ),
]


@pytest.mark.parametrize(
    ("mistake", "version"),
    [
        pytest.param(mistake, version, id=f"{version}: {mistake.name}")
        for mistake in MISTAKES
        for version in mistake.versions
    ],
)
def test_the_goldens_catch(mistake: Mistake, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mistake.patch(monkeypatch)
    encoder = load(version)
    mistake.edit(encoder)
    found = mistake.measure(encoder, version)
    print(version, mistake.name, f"{found:.3g}")
    assert found > 2 * NORMALISED
    low, high = mistake.change
    assert low / 2 < found < 2 * high


def test_without_lora_the_texts_are_the_references_negative_control(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(xlm_roberta, "merge_lora", _unmerged)
    encoder, reference = load("v2"), golden("v2")
    raw = encoder.text_features(**encoder.tokenize(reference.cases["sentences"]))
    assert difference(raw, reference["text.control_no_lora.embeds_raw"]) <= RAW
