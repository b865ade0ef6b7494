"""model.safetensors of a jina-clip -> its two towers; every key is accounted for."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from builder.encoders.checkpoint import cosine_factor, first_problem, unusable
from builder.encoders.jina import xlm_roberta
from builder.encoders.jina.bert import JinaBert, TextTower
from builder.encoders.jina.config import AS_PUBLISHED, JinaConfig, Lora
from builder.encoders.jina.eva02 import EVA02
from builder.encoders.jina.xlm_roberta import XLMRoberta
from builder.errors import EncoderError

Shapes = Mapping[str, tuple[int, ...]]

_VISION = "vision_model."
_LAYER = re.compile(r"encoder\.layers\.(\d+)\.")


_TEXT_TOWERS = {"v1": JinaBert, "v2": XLMRoberta}


def read_towers(
    folder: Path, name: str, config: JinaConfig, device: torch.device, dtype: torch.dtype
) -> tuple[EVA02, TextTower, float]:
    """(vision tower, text tower, factor on cosines), on `device` and in `dtype`.

    Raises EncoderError that names the tensors which are missing, unexpected, of another shape or
    type, or not finite, or a logit_scale out of range.
    """
    try:
        with safe_open(folder / "model.safetensors", framework="pt") as file:
            stored = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
            vision, text = _empty_towers(stored, name, config)
            for tower, prefix, lora in ((vision, _VISION, None), (text, text.prefix, config.lora)):
                weights = {
                    key: _weight(file, name, prefix, key, lora if empty.ndim == 2 else None)
                    for key, empty in tower.state_dict().items()
                }
                on_device = {key: weight.to(device, dtype) for key, weight in weights.items()}
                tower.load_state_dict(on_device, assign=True)
                tower.eval().requires_grad_(False)
            scale = cosine_factor(name, float(_read(file, name, "logit_scale")))
    except FileNotFoundError as error:
        raise EncoderError(f"{name} holds no model.safetensors.", hint=AS_PUBLISHED) from error
    except (OSError, SafetensorError) as error:
        raise unusable(name, f"model.safetensors cannot be read: {error}") from error
    vision.init_rope(device, dtype)
    return vision, text, scale


def _empty_towers(stored: Shapes, name: str, config: JinaConfig) -> tuple[EVA02, TextTower]:
    """Towers without memory, whose keys and shapes are those of the file."""
    tower = _TEXT_TOWERS[config.version]
    if config.lora and not any("lora_" in key for key in stored):
        raise unusable(name, "config.json gives a lora_alpha, but the weights hold no LoRA")
    with torch.device("meta"):
        vision, text = EVA02(config.vision), tower(*_text_sizes(stored, name, config))
    text_shapes = _shapes(text)
    if config.lora:
        text_shapes = xlm_roberta.stored_shapes(text_shapes, config.lora.rank)
    expected = (
        {"logit_scale": ()}
        | {_VISION + key: shape for key, shape in _shapes(vision).items()}
        | {text.prefix + key: shape for key, shape in text_shapes.items()}
    )
    _check_keys(name, expected, stored)
    return vision, text


def _text_sizes(stored: Shapes, name: str, config: JinaConfig) -> tuple[int, int, int, int]:
    """(vocabulary, hidden, intermediate, layers), none of which config.json tells."""
    tower = _TEXT_TOWERS[config.version]
    shapes = []
    for key in (tower.prefix + tower.words, tower.prefix + tower.down):
        if len(stored.get(key, ())) != 2:
            raise unusable(name, f"the weights lack the matrix {key} of a {config.version}")
        shapes.append(stored[key])
    (vocabulary, hidden), (_, intermediate) = shapes
    if hidden != config.dimensions or hidden % tower.multiple:
        raise unusable(
            name,
            f"the text tower is {hidden} wide; it must be as wide as the vectors in config.json "
            f"({config.dimensions}), and a multiple of {tower.multiple}",
        )
    found = (_LAYER.match(key.removeprefix(tower.prefix)) for key in stored)
    return vocabulary, hidden, intermediate, len({match[1] for match in found if match})


def _check_keys(name: str, expected: Shapes, stored: Shapes) -> None:
    problem = first_problem(
        {
            "lack tensors that the model needs": expected.keys() - stored.keys(),
            "hold tensors that the model does not have": stored.keys() - expected.keys(),
            "do not have the shapes that the configuration asks for": [
                f"{key} (shape {list(stored[key])} instead of {list(shape)})"
                for key, shape in expected.items()
                if stored.get(key, shape) != shape
            ],
        }
    )
    if problem:
        raise unusable(name, f"the weights {problem}")


def _weight(file: Any, name: str, prefix: str, key: str, lora: Lora | None) -> Tensor:
    """The tower's tensor `key`, its adapter merged if there is one."""
    if lora is None:
        return _read(file, name, prefix + key)
    original, a, b = (_read(file, name, prefix + part) for part in xlm_roberta.lora_keys(key))
    return xlm_roberta.merge_lora(key, original, a, b, lora)


def _read(file: Any, name: str, key: str) -> Tensor:
    """The tensor in float32, on the CPU."""
    tensor = file.get_tensor(key)
    if tensor.dtype not in (torch.float16, torch.bfloat16, torch.float32):
        raise unusable(name, f"the tensor {key} is of type {tensor.dtype}")
    if not bool(tensor.isfinite().all()):
        raise unusable(name, f"the tensor {key} holds numbers that are not finite")
    return tensor.float()  # type: ignore[no-any-return]


def _shapes(tower: nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(weight.shape) for key, weight in tower.state_dict().items()}
