"""On which device, and in which floating-point type, an encoder computes."""

import torch

from builder.errors import EncoderError, InputError

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def pick_device(device: str) -> torch.device:
    """`auto` (cuda, else mps, else cpu) or a torch device such as `cuda:0`. Raises EncoderError."""
    if device == "auto":
        return torch.device(_fastest())
    try:
        target = torch.device(device)
        torch.empty(1, device=target)
    except (RuntimeError, AssertionError) as error:
        raise EncoderError(
            f"The device {device!r} cannot be used: {str(error).splitlines()[0]}",
            hint="Use auto, cpu, mps on a Mac with Apple silicon, or cuda on a machine with an "
            "NVIDIA card and a CUDA build of PyTorch.",
        ) from error
    return target


def pick_dtype(dtype: str) -> torch.dtype:
    """`float32`, `float16` or `bfloat16`. Raises InputError."""
    if dtype not in DTYPES:
        raise InputError(
            f"There is no floating-point type {dtype!r} here.",
            hint=f"Possible are {', '.join(DTYPES)}.",
        )
    return DTYPES[dtype]


def _fastest() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
