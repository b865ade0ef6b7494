"""The device and floating-point type that an encoder computes in, and its results as vectors."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from builder.encoders.protocol import Vectors
from builder.errors import EncoderError, InputError

# Others have no memory (meta), or need libraries that nobody tried this with.
_TYPES = ("cpu", "cuda", "mps", "xpu")
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
# Below this `normalize` does not divide by the length.
_SHORTEST = 1e-12


def pick_device(device: str) -> torch.device:
    """The device of that name, such as `cuda:0`; `auto`: cuda, mps or cpu. Raises EncoderError."""
    if device == "auto":
        mps = "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device("cuda" if torch.cuda.is_available() else mps)
    try:
        target = torch.device(device)
        if target.type not in _TYPES:
            raise ValueError(f"cotbuild computes on {', '.join(_TYPES)} only.")
        torch.empty(1, device=target)
    except (RuntimeError, AssertionError, ImportError, ValueError) as error:
        raise EncoderError(
            f"The device {device!r} cannot be used: {str(error).splitlines()[0]}",
            hint="Use auto, cpu, mps on a Mac with Apple silicon, or cuda on a machine with an "
            "NVIDIA card and a CUDA build of PyTorch.",
        ) from error
    return target


def pick_dtype(dtype: str) -> torch.dtype:
    """The type called `float32`, `float16` or `bfloat16`. Raises InputError."""
    if dtype not in DTYPES:
        raise InputError(
            f"There is no floating-point type {dtype!r} here.",
            hint=f"Possible are {', '.join(DTYPES)}.",
        )
    return DTYPES[dtype]


def unit_rows(features: Tensor, inputs: Sequence[str], *, name: str, dtype: torch.dtype) -> Vectors:
    """Scales features [n, d], on any device, to float32 rows of length 1 on the CPU.

    inputs: what each row was made of; name, dtype: the encoder and the type in which it computed.
    Raises EncoderError for a row that is not finite, too long for float32, or zero.
    """
    features = features.float()
    lengths = features.norm(dim=1)
    bad = (~(lengths.isfinite() & (lengths > _SHORTEST))).nonzero()
    if len(bad):
        row = int(bad[0])
        what = "zeros alone" if bool(lengths[row] <= _SHORTEST) else "values that are not finite"
        raise EncoderError(
            f"{name} gave {what} for {inputs[row]}, computing in {dtype}.",
            hint="Use --dtype float32, download the checkpoint again, or name another one.",
        )
    return functional.normalize(features, dim=-1).cpu().numpy()
