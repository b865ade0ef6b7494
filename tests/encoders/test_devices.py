"""Devices and floating-point types that can't be used are named."""

import pytest
import torch

from builder.encoders.devices import DTYPES, pick_device, pick_dtype
from builder.errors import EncoderError, InputError


def test_auto_is_something_that_works() -> None:
    assert torch.ones(2, device=pick_device("auto")).sum() == 2


@pytest.mark.parametrize(
    "device", ["cuda:99", "abacus", "", "meta", "hpu", "privateuseone", "xla", "cpu:x"]
)
def test_an_unusable_device_is_named(device: str) -> None:
    with pytest.raises(EncoderError, match=repr(device)) as caught:
        pick_device(device)
    assert "cpu" in caught.value.hint


def test_types_are_those_of_the_flag() -> None:
    assert pick_dtype("bfloat16") is torch.bfloat16
    with pytest.raises(InputError, match="float8") as caught:
        pick_dtype("float8")
    assert all(name in caught.value.hint for name in DTYPES)
