"""Which encoders can be opened: families of checkpoints, and published models with short names.

A new family is a module beside the others with a function `locate`, and a line in FAMILIES. Sizes
and digests of models are the publisher's own statements; `cotbuild encoder verify` checks them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of encoder that can be opened.

    module: holds `locate`; imported only then, because it loads torch. model_types: what
    config.json calls its checkpoints -> what people do. examples: what people call them -> one on
    the hub, of those that can be named by their repository alone. built_in: the name of what comes
    with the package, without a checkpoint. options: whether it checks options after the name; those
    of the others are refused.
    """

    module: str
    model_types: Mapping[str, str] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    built_in: str = ""
    options: bool = False


FAMILIES = (
    Family("builder.encoders.jina.clip", {"jina_clip": "jina-clip"}, options=True),
    Family(
        "builder.encoders.transformers_clip",
        {"clip": "CLIP", "siglip": "SigLIP", "siglip2": "SigLIP 2"},
        {"CLIP": "openai/clip-vit-base-patch32", "SigLIP": "google/siglip-base-patch16-224"},
    ),
    Family("builder.encoders.miniature", built_in="miniature", options=True),
)
# By what config.json calls a checkpoint.
FAMILY_OF = {name: family for family in FAMILIES for name in family.model_types}


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model on the Hugging Face hub; those that are known are in known_models.json.

    weights_bytes, weights_sha256: of model.safetensors; where the hub rounds its size, from the
    parameters and their names. image_size: pixels of a side. onnx_commit: of the repository's onnx
    folder, to compare a jina-clip with; empty for others. That of v1 is later than its weights: the
    text model exported first was replaced by its publisher ("fix-onnx-weights"); the weights have
    not changed. onnx_bytes: of its float32 files, to the nearest million. unverified: what is said
    of it until it was compared here.
    """

    name: str
    repository: str
    commit: str
    version: str
    licence: str
    weights_bytes: int
    weights_sha256: str
    dimensions: int
    image_size: int
    onnx_commit: str = ""
    onnx_bytes: int = 0
    unverified: str = ""


KNOWN = tuple(
    KnownModel(**entry)
    for entry in json.loads((Path(__file__).parent / "known_models.json").read_text("utf-8"))
)


def known_model(name: str) -> KnownModel | None:
    """The model of that short name or repository; None for any other."""
    return next((model for model in KNOWN if name in (model.name, model.repository)), None)


def licence_of(version: str) -> str:
    """The licence of jina-clip `v1` or `v2`."""
    return next(model.licence for model in KNOWN if model.version == version)


def built_in(name: str) -> Family | None:
    """The family of what comes with the package under that name."""
    return next((family for family in FAMILIES if name and family.built_in == name), None)


def kinds() -> str:
    """What people call the checkpoints that can be opened: "jina-clip, CLIP or ..."."""
    return _either(name for family in FAMILIES for name in family.model_types.values())


def any_of() -> tuple[str, str]:
    """Checkpoints of which any can be named, e.g. "CLIP or SigLIP", and examples of them."""
    examples = {kind: name for family in FAMILIES for kind, name in family.examples.items()}
    return _either(examples), _either(examples.values())


def _either(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
