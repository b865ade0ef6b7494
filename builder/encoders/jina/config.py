"""A jina-clip checkpoint's config.json and preprocessor_config.json, read strictly.

Every value that changes a vector must be one that the towers are built for. Fields that change
none (names, dropout, the choice of an attention kernel) are not looked at.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from builder.encoders.checkpoint import read_json
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


class _Overrides(_Strict):
    """What deviates from the text tower's own repository: each field matters."""

    model_config = ConfigDict(extra="forbid")
    use_flash_attn: bool = False


class _OverridesV1(_Overrides):
    use_qk_norm: Literal[False] = False


class Lora(_Overrides):
    """What deviates in v2. Matrices are `original + alpha / rank * adapter`.

    task_instructions: what each task puts in front of a text.
    """

    lora_adaptations: tuple[Literal["retrieval.query"]]
    alpha: _Positive = Field(alias="lora_alpha")
    rank: _Size = Field(alias="lora_rank")
    task_instructions: Annotated[dict[Literal["retrieval.query"], str], Field(min_length=1)]
    load_trained_adapters: bool = False
    lora_dropout_p: float = 0.0
    lora_main_params_trainable: bool = False


class _Text(_Strict):
    embed_dim: _Size
    pooler_type: Literal["mean_pooler"]
    proj_type: None = None


class _TextV1(_Text):
    overrides: _OverridesV1 = Field(alias="hf_model_config_kwargs")


class _TextV2(_Text):
    default_instruction_task: None = None
    default_lora_task: Literal["retrieval.query"]
    overrides: Lora = Field(alias="hf_model_config_kwargs")


class JinaConfig(_Strict):
    """config.json; the text tower's sizes are not in it but follow from the weights.

    `matryoshka`: the lengths to which the vectors may be cut.
    """

    version: ClassVar[Literal["v1", "v2"]]
    add_projections: Literal[False] = False
    truncate_dim: None = None
    matryoshka: tuple[_Size, ...] | None = Field(None, alias="matryoshka_dimensions")
    vision: VisionConfig = Field(alias="vision_config")
    text: _TextV1 | _TextV2 = Field(alias="text_config")

    @model_validator(mode="after")
    def _dimensions_fit(self) -> Self:
        if self.text.embed_dim != self.dimensions:
            raise ValueError(
                f"text_config.embed_dim {self.text.embed_dim} is not "
                f"vision_config.embed_dim {self.dimensions}"
            )
        if max(self.matryoshka or (), default=0) > self.dimensions:
            raise ValueError(f"matryoshka_dimensions {self.matryoshka} exceed {self.dimensions}")
        return self

    @property
    def dimensions(self) -> int:
        return self.vision.embed_dim

    @property
    def lora(self) -> Lora | None:
        """None in v1, which has neither adapters nor instructions."""
        return self.text.overrides if isinstance(self.text.overrides, Lora) else None

    @property
    def instructions(self) -> Mapping[str, str]:
        """What each task puts in front of a text."""
        return dict(self.lora.task_instructions.items()) if self.lora else {}


class _ConfigV1(JinaConfig):
    version = "v1"
    matryoshka: None = Field(None, alias="matryoshka_dimensions")
    text: _TextV1 = Field(alias="text_config")


class _ConfigV2(JinaConfig):
    version = "v2"
    matryoshka: tuple[_Size, ...] = Field(alias="matryoshka_dimensions")
    text: _TextV2 = Field(alias="text_config")


class PreprocessingConfig(_Strict):
    """preprocessor_config.json: shorter side to `size`, then (pixel / 255 - mean) / std."""

    size: _Size
    mean: tuple[float, float, float]
    std: tuple[_Positive, _Positive, _Positive]
    resize_mode: Literal["shortest"]
    interpolation: Literal["bicubic"]


def jina_clip_version(folder: Path, name: str) -> Literal["v1", "v2"]:
    """Which jina-clip config.json describes. Raises EncoderError for any other model."""
    config = read_json(folder, "config.json", name, AS_PUBLISHED)
    text, kind = config.get("text_config"), config.get("model_type")
    base = text.get("hf_model_name_or_path") if isinstance(text, dict) else None
    version = _VERSIONS.get(base) if isinstance(base, str) and kind == "jina_clip" else None
    if version is None:
        raise EncoderError(
            f"{name} is no jina-clip of a version that cotbuild knows: its config.json has "
            f"model_type = {json.dumps(kind)} and text_config.hf_model_name_or_path = "
            f"{json.dumps(base)}.",
            hint=f"Known are v1 and v2. {AS_PUBLISHED}",
        )
    return version


def read_config(folder: Path, name: str) -> JinaConfig:
    """Raises EncoderError that names each value for which the towers are not built."""
    version = jina_clip_version(folder, name)
    return _validated(_ConfigV1 if version == "v1" else _ConfigV2, folder, "config.json", name)


def read_preprocessing(folder: Path, name: str) -> PreprocessingConfig:
    """Raises EncoderError that names each value for which the preprocessing is not built."""
    return _validated(PreprocessingConfig, folder, "preprocessor_config.json", name)


def _validated(model: type[_Model], folder: Path, file: str, name: str) -> _Model:
    text = json.dumps(read_json(folder, file, name, AS_PUBLISHED))
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
