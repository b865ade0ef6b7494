"""The tiny jina-clip checkpoints, their golden values, and changed copies of them."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from builder.encoders.jina.clip import JinaClipEncoder
from builder.encoders.protocol import Wanted
from builder.encoders.spec import EncoderSpec

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "jina_clip"
CPU = torch.device("cpu")
# The largest differences that another machine or batch may cause, in float32.
NORMALISED, RAW, LOGITS = 1e-5, 2e-5, 5e-5
FILES = ("config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors")


@dataclass(frozen=True)
class Golden:
    """What the reference got for the cases: images in order, sentences, and tensors by name."""

    cases: dict[str, Any]
    tensors: dict[str, Tensor]
    images: tuple[Image.Image, ...] = field(repr=False)

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]


def folder_of(version: str) -> Path:
    return FIXTURES / f"{version}_tiny"


@cache
def golden(version: str) -> Golden:
    folder = folder_of(version)
    cases = json.loads((folder / "cases.json").read_text(encoding="utf-8"))
    images = [Image.open(folder / cases["images"][key]["file"]) for key in cases["image_order"]]
    # Loaded here, so that no file stays open; the mode is as in the file.
    for image in images:
        image.load()
    return Golden(cases, load_file(folder / "expected.safetensors"), tuple(images))


def load(
    version: str,
    folder: Path | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    truncate_dim: int | None = None,
    task: str | None = None,
) -> JinaClipEncoder:
    spec = EncoderSpec(f"tiny-{version}", truncate_dim=truncate_dim, task=task)
    folder = folder or folder_of(version)
    return JinaClipEncoder(Wanted(spec, "cpu", str(dtype).split(".")[1], folder, "abc"))


@cache
def shared(version: str) -> JinaClipEncoder:
    """For tests that leave it as it is."""
    return load(version)


def difference(left: Any, right: Any) -> float:
    """The largest absolute difference; nan counts as infinite."""
    left, right = torch.as_tensor(left), torch.as_tensor(right)
    assert left.shape == right.shape
    return float((left.double() - right.double()).abs().nan_to_num(torch.inf).max())


def image_difference(encoder: JinaClipEncoder, version: str) -> float:
    """How far the normalised image embeddings are from the golden ones."""
    return difference(
        encoder.encode_images(golden(version).images), golden(version)["image.embeds"]
    )


def text_difference(encoder: JinaClipEncoder, version: str) -> float:
    """How far the normalised text embeddings are from the golden ones."""
    sentences = golden(version).cases["sentences"]
    return difference(encoder.encode_texts(sentences), golden(version)["text.none.embeds"])


@contextmanager
def recorded(**modules: nn.Module) -> Iterator[dict[str, Tensor]]:
    """The outputs of sub-modules, by the given names, while the block runs."""
    outputs: dict[str, Tensor] = {}

    def recorder(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        return lambda _module, _inputs, output: outputs.__setitem__(name, output)

    hooks = [module.register_forward_hook(recorder(name)) for name, module in modules.items()]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


def changed(
    target: Path,
    version: str,
    *,
    config: Callable[[dict[str, Any]], object] | None = None,
    preprocessing: Callable[[dict[str, Any]], object] | None = None,
    tokenizer: Callable[[dict[str, Any]], object] | None = None,
    weights: Callable[[dict[str, Tensor]], object] | None = None,
) -> Path:
    """A copy of a tiny checkpoint, whose files each function changes in place."""
    for file in FILES:
        shutil.copy(folder_of(version) / file, target / file)
    for name, change in (
        ("config", config),
        ("preprocessor_config", preprocessing),
        ("tokenizer", tokenizer),
    ):
        if change is not None:
            path = target / f"{name}.json"
            content = json.loads(path.read_text(encoding="utf-8"))
            change(content)
            path.write_text(json.dumps(content), encoding="utf-8")
    if weights is not None:
        tensors = load_file(folder_of(version) / "model.safetensors")
        weights(tensors)
        save_file(tensors, target / "model.safetensors")
    return target
