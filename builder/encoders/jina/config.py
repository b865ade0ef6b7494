"""A jina-clip checkpoint's config.json and preprocessor_config.json, read strictly.

Every value that changes a vector must be one that the towers are built for. Fields that change
none (names, dropout, the choice of an attention kernel) are not looked at.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from builder.errors import EncoderError

# The text tower's own repository is all that tells the versions apart.
_VERSIONS: dict[str, Literal["v1", "v2"]] = {
    "jinaai/jina-bert-flash-implementation": "v1",
    "jinaai/jina-embeddings-v3": "v2",
}
AS_PUBLISHED = "Take the files as they are published at jinaai/jina-clip-v1 or jinaai/jina-clip-v2."

# Counts the ways in which `jina_clip` prepares inputs; part of fingerprints.
PREPARATION = 1

_Size = Annotated[int, Field(gt=0, le=65_536)]
_Positive = Annotated[float, Field(gt=0)]
_Model = TypeVar("_Model", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


class VisionConfig(_Strict):
    """`vision_config`: the EVA02 tower."""

    width: _Size
    embed_dim: _Size
    layers: Annotated[int, Field(gt=0, le=128)]
    head_width: _Size
    image_size: _Size
    patch_size: _Size
    mlp_ratio: Annotated[float, Field(gt=0, le=16)]
    intp_freq: bool
    pt_hw_seq_len: _Size
    naive_swiglu: Literal[True]
    qkv_bias: Literal[True]
    rope_embeddings: Literal[True]
    subln: Literal[True]
    fused_layer_norm: Literal[False] = False
    ls_init_value: None = None
    post_norm: Literal[False] = False
    proj_type: None = None
    use_rel_pos_bias: Literal[False] = False
    use_shared_rel_pos_bias: Literal[False] = False

    @property
    def grid(self) -> int:
        """Patches in a row; pixels that fill no patch are not seen."""
        return self.image_size // self.patch_size

    @property
    def mlp_hidden(self) -> int:
        return int(self.width * self.mlp_ratio)

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.width % self.head_width or self.head_width % 4:
            raise ValueError(
                f"width {self.width} cannot be split into heads of head_width {self.head_width} "
                "(a multiple of 4)"
            )
        if self.grid == 0:
            raise ValueError(f"patch_size {self.patch_size} exceeds image_size {self.image_size}")
        if not self.intp_freq and self.pt_hw_seq_len != self.grid:
            raise ValueError(
                f"pt_hw_seq_len {self.pt_hw_seq_len} must be the grid of {self.grid} patches, as "
                "intp_freq is false"
            )
        if self.embed_dim != self.width:
            raise ValueError(f"embed_dim {self.embed_dim} is not width {self.width}")
        return self


class _OverridesV1(_Strict):
    """What deviates from the text tower's own repository: each field matters."""

    model_config = ConfigDict(extra="forbid")
    use_flash_attn: bool = False
    use_qk_norm: Literal[False] = False


class _Instructions(_Strict):
    model_config = ConfigDict(extra="forbid")
    query: str = Field(alias="retrieval.query")


class _OverridesV2(_Strict):
    model_config = ConfigDict(extra="forbid")
    lora_adaptations: tuple[Literal["retrieval.query"]]
    lora_alpha: _Positive
    lora_rank: _Size
    task_instructions: _Instructions
    load_trained_adapters: bool = False
    lora_dropout_p: float = 0.0
    lora_main_params_trainable: bool = False
    use_flash_attn: bool = False


class _TextV1(_Strict):
    embed_dim: _Size
    pooler_type: Literal["mean_pooler"]
    proj_type: None = None
    hf_model_config_kwargs: _OverridesV1


class _TextV2(_Strict):
    embed_dim: _Size
    pooler_type: Literal["mean_pooler"]
    proj_type: None = None
    default_instruction_task: None = None
    default_lora_task: Literal["retrieval.query"]
    hf_model_config_kwargs: _OverridesV2


class _Clip(_Strict):
    add_projections: Literal[False] = False
    truncate_dim: None = None
    matryoshka_dimensions: tuple[_Size, ...] | None = None
    vision_config: VisionConfig
    text_config: _TextV1 | _TextV2

    @model_validator(mode="after")
    def _dimensions_fit(self) -> Self:
        d = self.vision_config.embed_dim
        if self.text_config.embed_dim != d:
            raise ValueError(
                f"text_config.embed_dim {self.text_config.embed_dim} is not "
                f"vision_config.embed_dim {d}"
            )
        if max(self.matryoshka_dimensions or (), default=0) > d:
            raise ValueError(f"matryoshka_dimensions {self.matryoshka_dimensions} exceed {d}")
        return self


class _ClipV1(_Clip):
    text_config: _TextV1
    matryoshka_dimensions: None = None


class _ClipV2(_Clip):
    text_config: _TextV2
    matryoshka_dimensions: tuple[_Size, ...]


class PreprocessingConfig(_Strict):
    """preprocessor_config.json: shorter side to `size`, then (pixel / 255 - mean) / std."""

    size: _Size
    mean: tuple[float, float, float]
    std: tuple[_Positive, _Positive, _Positive]
    resize_mode: Literal["shortest"]
    interpolation: Literal["bicubic"]


@dataclass(frozen=True, slots=True)
class Lora:
    """Matrices are `original + alpha / rank * adapter`."""

    rank: int
    alpha: float


@dataclass(frozen=True, slots=True)
class JinaConfig:
    """config.json, checked; the text tower's sizes are not in it but follow from the weights.

    `instructions` are what each task puts in front of a text; `matryoshka` the lengths to which
    the vectors may be cut. v1 has neither, nor LoRA.
    """

    version: Literal["v1", "v2"]
    dimensions: int
    vision: VisionConfig
    lora: Lora | None
    matryoshka: tuple[int, ...]
    instructions: Mapping[str, str]


def jina_clip_version(folder: Path, name: str) -> Literal["v1", "v2"]:
    """Which jina-clip config.json describes. Raises EncoderError for any other model."""
    config = read_json(folder, "config.json", name)
    if config.get("model_type") != "jina_clip":
        raise EncoderError(
            f"{name} is a model of type {config.get('model_type')!r}, not a jina-clip.",
            hint=AS_PUBLISHED,
        )
    text = config.get("text_config")
    base = text.get("hf_model_name_or_path") if isinstance(text, dict) else None
    if not isinstance(base, str) or base not in _VERSIONS:
        raise EncoderError(
            f"{name} is a jina-clip of a version that cotbuild does not know: its config.json has "
            f"text_config.hf_model_name_or_path = {json.dumps(base)}.",
            hint=f"Known are v1 and v2. {AS_PUBLISHED}",
        )
    return _VERSIONS[base]


def read_config(folder: Path, name: str) -> JinaConfig:
    """Raises EncoderError that names each value for which the towers are not built."""
    version = jina_clip_version(folder, name)
    config = _validated(_ClipV1 if version == "v1" else _ClipV2, folder, "config.json", name)
    overrides = config.text_config.hf_model_config_kwargs
    lora, instructions = None, {}
    if isinstance(overrides, _OverridesV2):
        lora = Lora(overrides.lora_rank, overrides.lora_alpha)
        instructions = {"retrieval.query": overrides.task_instructions.query}
    return JinaConfig(
        version=version,
        dimensions=config.vision_config.embed_dim,
        vision=config.vision_config,
        lora=lora,
        matryoshka=config.matryoshka_dimensions or (),
        instructions=instructions,
    )


def read_preprocessing(folder: Path, name: str) -> PreprocessingConfig:
    """Raises EncoderError that names each value for which the preprocessing is not built."""
    return _validated(PreprocessingConfig, folder, "preprocessor_config.json", name)


def read_json(folder: Path, file: str, name: str) -> dict[str, Any]:
    """The object in a file. Raises EncoderError if it is missing, damaged or no object."""
    try:
        value = json.loads((folder / file).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise EncoderError(f"{name} holds no {file}.", hint=AS_PUBLISHED) from error
    except (OSError, ValueError, RecursionError) as error:
        raise EncoderError(f"{name}: {file} cannot be read: {error}.", hint=AS_PUBLISHED) from error
    if not isinstance(value, dict):
        raise EncoderError(f"{name}: {file} is not a JSON object.", hint=AS_PUBLISHED)
    return value


def _validated(model: type[_Model], folder: Path, file: str, name: str) -> _Model:
    text = json.dumps(read_json(folder, file, name))
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors()]
        more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise EncoderError(
            f"{name}: {file} {'; '.join(problems[:3])}{more}.", hint=AS_PUBLISHED
        ) from error


def _problem(detail: ErrorDetails) -> str:
    path = ".".join(map(str, detail["loc"]))
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if detail["type"] == "missing":
        return f"lacks {path}"
    if detail["type"] == "value_error":
        return f"does not fit together: {message}"
    if detail["type"] == "extra_forbidden":
        message = "cotbuild does not know what that changes"
    return f"has {path} = {json.dumps(detail['input'])} ({message})"
