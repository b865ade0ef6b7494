"""Features -> unit vectors, or an error that names the input without a direction."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from builder.encoders.protocol import Vectors
from builder.errors import EncoderError

# Below this `normalize` does not divide by the length.
_SHORTEST = 1e-12


def unit_rows(features: Tensor, inputs: Sequence[str], *, name: str, dtype: torch.dtype) -> Vectors:
    """[n, d] on any device -> float32 rows of length 1, on the CPU.

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
