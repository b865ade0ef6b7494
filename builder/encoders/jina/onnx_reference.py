"""A jina-clip model as its publisher exported it to ONNX, run by onnxruntime.

Either one file for each tower (onnx/text_model.onnx, onnx/vision_model.onnx) or one for both
(onnx/model.onnx, its weights beside it). Names of inputs and outputs are read from the files.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import huggingface_hub
import numpy as np
from numpy.typing import NDArray

from builder.data.hugging_face import OutOfReach, said
from builder.encoders.hub import download, hub_errors, published_files
from builder.encoders.jina.verify import Agreement, compare
from builder.encoders.protocol import Vectors
from builder.errors import EncoderError

if TYPE_CHECKING:
    from PIL import Image

    from builder.encoders.jina.clip import JinaClipEncoder

INSTALL = "Install it with: pip install onnxruntime"
_BRING = (
    "Go online and try again, or copy the folder `onnx` of the repository here and name it with "
    "--onnx."
)
# What names of outputs say about whose they are.
_WORDS = {"text": ("text",), "image": ("image", "vision", "visual")}
# Other files in that folder hold the same model in fewer bits.
_TWO_TOWERS = {"text": "text_model.onnx", "image": "vision_model.onnx"}
_ONE_FILE = "model.onnx"
# Large models keep their weights in a second file, which exporters name in two ways. It comes
# first, so that a download that ended early lacks the file that would be opened.
_FILES = [
    f"onnx/{name}{weights}"
    for name in (_ONE_FILE, *_TWO_TOWERS.values())
    for weights in ("_data", ".data", "")
]

Tokens = Mapping[str, NDArray[np.int64]]
Pictures = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of an ONNX file: its name, type (`tensor(float)`) and shape."""

    name: str
    type: str
    shape: tuple[int | str | None, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.type} [{', '.join(map(str, self.shape))}]"


def input_role(port: Port) -> str | None:
    """`input_ids`, `attention_mask`, `token_type_ids` or `pixel_values`; None for anything else."""
    if port.type == "tensor(float)" and len(port.shape) == 4:
        return "pixel_values"
    if port.type != "tensor(int64)" or len(port.shape) != 2:
        return None
    name = port.name.lower()
    if "mask" in name:
        return "attention_mask"
    if "type" in name:
        return "token_type_ids"
    return "input_ids" if "id" in name or "token" in name else None


def output_name(kind: str, outputs: Sequence[Port], *, alone: bool) -> str | None:
    """The output with the vectors [n, d] of `text` or `image` inputs; None if it isn't clear.

    alone: the file takes only that kind of input, so a single output needs no telling name.
    """
    rows = [port for port in outputs if port.type == "tensor(float)" and len(port.shape) == 2]
    named = [port for port in rows if any(word in port.name.lower() for word in _WORDS[kind])]
    raw = [port for port in named if "norm" not in port.name.lower()]
    for found in (raw, named, rows if alone else []):
        if len(found) == 1:
            return found[0].name
    return None


@dataclass(frozen=True, slots=True)
class Tower:
    """What gives one kind of vectors. inputs: role -> name in the file, which `session` runs."""

    path: Path
    session: Any
    inputs: Mapping[str, str]
    output: str

    def vectors(self, given: Mapping[str, NDArray[Any]]) -> Vectors:
        """Arrays by role -> [n, d] as the file gives them. Raises EncoderError."""
        feeds = {name: given[role] for role, name in self.inputs.items()}
        with _errors_of(self.path):
            found = self.session.run([self.output], feeds)[0]
        return np.asarray(found, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class OnnxReference:
    """Both towers; they may be one file."""

    text: Tower
    image: Tower

    def encode(self, texts: Sequence[Tokens], images: Pictures) -> tuple[Vectors, Vectors]:
        """Token arrays [1, t], one mapping a text, and pixels [n, 3, s, s] -> [m, d], [n, d].

        Neither may be empty. Raises EncoderError.
        """
        # One input at a time: nothing is padded, so nothing depends on how a file treats padding.
        # With the token types that some files ask for: all of the first kind.
        rows = [{**row, "token_type_ids": np.zeros_like(row["input_ids"])} for row in texts]
        pictures = [images[index : index + 1] for index in range(len(images))]
        other = self._picture_for_texts(rows[0], pictures[0])
        text_rows = [self.text.vectors({**row, "pixel_values": other}) for row in rows]
        image_rows = [self.image.vectors({**rows[0], "pixel_values": one}) for one in pictures]
        return np.concatenate(text_rows), np.concatenate(image_rows)

    def _picture_for_texts(self, row: Tokens, picture: Pictures) -> Pictures:
        """What a file for both kinds gets beside a text: nothing, if it puts up with that.

        A pass through the image tower takes seconds.
        """
        nothing = picture[:0]
        try:
            self.text.vectors({**row, "pixel_values": nothing})
        except EncoderError:
            return picture
        return nothing


def verify(
    encoder: "JinaClipEncoder",
    reference: OnnxReference,
    texts: Sequence[str],
    images: Mapping[str, "Image.Image"],
) -> Agreement:
    """The encoder beside the reference, on the same token ids and pixel values.

    What becomes of a text or an image before that is not compared. Raises EncoderError.
    """
    batch = [encoder.preprocess(image) for image in images.values()]
    tokens = [
        {name: array.cpu().numpy() for name, array in encoder.tokenize([text]).items()}
        for text in texts
    ]
    pixels = encoder.normalised_pixels(batch).float().cpu().numpy()
    text_vectors, image_vectors = reference.encode(tokens, pixels)
    return Agreement(
        (
            compare("texts", texts, encoder.encode_texts(texts), text_vectors),
            compare("images", list(images), encoder.encode_pixels(batch), image_vectors),
        )
    )


def require_onnxruntime() -> None:
    """Raises EncoderError if it isn't installed: better before a download than after it."""
    try:
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise EncoderError(
            "Comparing with the publisher's files needs onnxruntime, which is not installed.",
            hint=INSTALL,
        ) from error


def open_reference(folder: Path) -> OnnxReference:
    """The float32 files in a folder, or in its sub-folder `onnx`. Raises EncoderError."""
    require_onnxruntime()
    for place in (folder, folder / "onnx"):
        paths = [(kind, place / name) for kind, name in _TWO_TOWERS.items()]
        if all(path.is_file() for _, path in paths):
            return OnnxReference(*(_tower(kind, path, _session(path)) for kind, path in paths))
        both = place / _ONE_FILE
        if both.is_file():
            session = _session(both)
            return OnnxReference(*(_tower(kind, both, session) for kind in _TWO_TOWERS))
    others = sorted(path.name for path in folder.rglob("*.onnx"))
    found = f"only {', '.join(others)}" if others else "no ONNX file"
    raise EncoderError(
        f"{folder} holds {found}; wanted are text_model.onnx and vision_model.onnx, or model.onnx.",
        hint="Take the publisher's float32 files; those with fewer bits are no reference.",
    )


def fetch_onnx(repository: str, commit: str) -> Path:
    """The folder of the repository's float32 ONNX files, downloaded unless they are here.

    Raises EncoderError.
    """
    try:
        with hub_errors(repository, commit):
            try:
                published = published_files(repository, commit)
            except OutOfReach as error:
                found, why = _kept(repository, commit), str(error)
            else:
                wanted = [name for name in _FILES if name in published]
                found, why = download(repository, commit, wanted), "the repository has none"
    except EncoderError as error:
        raise EncoderError(f"The ONNX files: {error.message}", hint=_BRING) from error
    if not found:
        raise EncoderError(
            f"The ONNX files of {repository} are not on this machine and could not be downloaded: "
            f"{why}.",
            hint=_BRING,
        )
    return found[0].parent


def _kept(repository: str, commit: str) -> list[Path]:
    """The files that can be opened and are in the hub's cache; none if some are missing."""
    for names in ([_ONE_FILE], [*_TWO_TOWERS.values()]):
        places = [
            huggingface_hub.try_to_load_from_cache(repository, f"onnx/{name}", revision=commit)
            for name in names
        ]
        found = [Path(place) for place in places if isinstance(place, str)]
        if len(found) == len(names):
            return found
    return []


def _tower(kind: str, path: Path, session: Any) -> Tower:
    """The file as what gives vectors of that kind. Raises EncoderError if that isn't clear."""
    inputs, outputs = _ports(session.get_inputs()), _ports(session.get_outputs())
    roles = {input_role(port): port.name for port in inputs}
    wanted = "input_ids" if kind == "text" else "pixel_values"
    output = output_name(kind, outputs, alone=path.name != _ONE_FILE)
    if None in roles or len(roles) < len(inputs) or wanted not in roles or output is None:
        raise EncoderError(
            f"{path} can't be used as jina-clip's {kind} tower. It takes "
            f"{_listed(inputs)}, and gives {_listed(outputs)}.",
            hint="Needed are float32 pixel values or int64 token ids, and an output [n, d] whose "
            f"name says {kind}. Take the publisher's float32 files.",
        )
    named = {role: name for role, name in roles.items() if role is not None}
    return Tower(path, session, named, output)


def _ports(found: Sequence[Any]) -> list[Port]:
    return [Port(port.name, port.type, tuple(port.shape)) for port in found]


def _listed(ports: Sequence[Port]) -> str:
    return ", ".join(map(str, ports)) or "nothing"


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what fails is raised as well; the rest helps no user
    with _errors_of(path):
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@contextlib.contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    """What onnxruntime raises, as an EncoderError."""
    try:
        yield
    # Its errors have no narrower base.
    except Exception as error:
        raise EncoderError(
            f"onnxruntime can't use {path}: {said(error)}",
            hint="Take the files of the same model, and download them again, with the weights that "
            f"may lie beside them ({path.name}_data).",
        ) from error
