"""Unit vectors, and what has no direction."""

import numpy as np
import pytest
import torch

from builder.encoders.devices import unit_rows
from builder.errors import EncoderError

NAMES = ["first", "second"]


@pytest.mark.parametrize("scale", [1e-10, 1.0, 1e15])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rows_have_length_one(scale: float, dtype: torch.dtype) -> None:
    features = torch.tensor([[3.0, 4.0], [0.0, -2.0]], dtype=dtype) * scale
    rows = unit_rows(features, NAMES, name="it", dtype=dtype)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0.0, -1.0]], atol=4e-3)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ([0.0, 0.0], "zeros alone"),
        ([1e-30, 0.0], "zeros alone"),
        ([torch.nan, 1.0], "not finite"),
        ([0.0, torch.inf], "not finite"),
        # Each is finite, but not the length.
        ([3e38, 3e38], "not finite"),
    ],
)
def test_a_row_without_a_direction_is_named(row: list[float], what: str) -> None:
    features = torch.tensor([[1.0, 0.0], row])
    with pytest.raises(EncoderError, match=f"it gave .*{what} for second.*float16") as caught:
        unit_rows(features, NAMES, name="it", dtype=torch.float16)
    assert caught.value.hint


def test_nothing_is_nothing() -> None:
    assert unit_rows(torch.empty(0, 3), [], name="it", dtype=torch.float32).shape == (0, 3)
