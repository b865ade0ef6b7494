"""The tiny checkpoints as their publisher would have exported them to ONNX."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from builder.encoders.jina.clip import JinaClipEncoder
from tests.encoders.jina_fixtures import shared


class _Masked(nn.Module):
    """A text tower that is told which tokens are padding, as numbers."""

    def __init__(self, text: nn.Module) -> None:
        super().__init__()
        self.text = text

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        return self.text(input_ids, attention_mask.bool())


class _Both(nn.Module):
    """Both towers, with the outputs of the published file of v2."""

    def __init__(self, encoder: JinaClipEncoder) -> None:
        super().__init__()
        self.text, self.vision = encoder.text, encoder.vision

    def forward(self, input_ids: Tensor, pixel_values: Tensor) -> tuple[Tensor, ...]:
        text = self.text(input_ids, input_ids != 1)
        image = self.vision(pixel_values)
        return (
            text,
            image,
            functional.normalize(text, dim=-1),
            functional.normalize(image, dim=-1),
        )


def export(
    module: nn.Module,
    path: Path,
    inputs: dict[str, Tensor],
    outputs: Sequence[str],
    *,
    any_batch: bool = False,
) -> None:
    """Token arrays may have any shape afterwards, other inputs any batch if that is wanted."""
    axes = {
        name: {0: "batch", 1: "length"} if array.dtype == torch.int64 else {0: "other_batch"}
        for name, array in inputs.items()
        if array.dtype == torch.int64 or any_batch
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The newer exporter takes 20 times as long, and this one says that it is the older.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            path,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=axes,
            dynamo=False,
        )


def export_v1(folder: Path) -> Path:
    """The published two files of v1, in `folder`/onnx."""
    encoder, ids, pixels = _opened("v1")
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    export(_Masked(encoder.text), folder / "onnx/text_model.onnx", inputs, ["text_embeds"])
    inputs = {"pixel_values": pixels}
    export(encoder.vision, folder / "onnx/vision_model.onnx", inputs, ["image_embeds"])
    return folder


def export_v2(folder: Path) -> Path:
    """The published file of v2, in `folder`/onnx."""
    encoder, ids, pixels = _opened("v2")
    outputs = [f"{norm}{kind}_embeddings" for norm in ("", "l2norm_") for kind in ("text", "image")]
    inputs = {"input_ids": ids, "pixel_values": pixels}
    export(_Both(encoder), folder / "onnx/model.onnx", inputs, outputs)
    return folder


def _opened(version: str) -> tuple[JinaClipEncoder, Tensor, Tensor]:
    """The encoder, and one text and one image for it."""
    encoder = shared(version)
    pixels = encoder.normalised_pixels([encoder.preprocess(Image.new("RGB", (8, 8)))])
    return encoder, torch.full((1, 7), 5), pixels
