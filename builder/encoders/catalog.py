"""The published models that cotbuild loads by itself, as facts: where they are and what they are.

Sizes and digests are the publisher's own statements; `cotbuild encoder verify` checks them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A jina-clip model on the Hugging Face hub.

    weights_bytes, weights_sha256: of model.safetensors. onnx_commit: of the repository's onnx
    folder, to compare with. onnx_bytes: of its float32 files, to the nearest million.
    image_size: pixels of a side. unverified: what is said of it until it was compared here.
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
    onnx_commit: str
    onnx_bytes: int
    unverified: str


KNOWN = (
    KnownModel(
        name="jina-clip-v1",
        repository="jinaai/jina-clip-v1",
        commit="1cbe5e8b11ea3728df0b610d5453dfe739804aa9",
        version="v1",
        licence="Apache-2.0",
        # The hub rounds it to 891 MB; this follows from the parameters and their names.
        weights_bytes=890_633_308,
        weights_sha256="5140d6df851d217296a10b3961ece2850d22b35bff37af948f2d9db33ae4aec2",
        dimensions=768,
        image_size=224,
        # Later than the weights' commit: the text model exported first was replaced by its
        # publisher ("fix-onnx-weights"); the weights have not changed.
        onnx_commit="fd7f7158b59ba9347679ec009a6547936d2c7378",
        onnx_bytes=892_000_000,
        unverified="text tower not yet verified against published weights",
    ),
    KnownModel(
        name="jina-clip-v2",
        repository="jinaai/jina-clip-v2",
        commit="e10d47f5691d0454a0fb5d13f46f2199b74cb436",
        version="v2",
        licence="CC-BY-NC-4.0, non-commercial use only",
        weights_bytes=1_730_688_642,
        weights_sha256="eff4c0a13ab4de71a9927a56968fef44e626920ff935e503f1bd3e6ec797062d",
        dimensions=1024,
        image_size=512,
        onnx_commit="e10d47f5691d0454a0fb5d13f46f2199b74cb436",
        onnx_bytes=3_452_000_000,
        unverified="not verified on this machine",
    ),
)


def known_model(name: str) -> KnownModel | None:
    """By its short name or its repository; None for any other."""
    return next((model for model in KNOWN if name in (model.name, model.repository)), None)


def licence_of(version: str) -> str:
    """The licence of jina-clip `v1` or `v2`."""
    return next(model.licence for model in KNOWN if model.version == version)
