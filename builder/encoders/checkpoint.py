"""A checkpoint before it is loaded: which files it has, which model it is, and which revision."""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from builder.data.images import file_digest
from builder.encoders.catalog import FAMILY_OF, kinds
from builder.errors import EncoderError

# Everything that vectors depend on, but the weights.
_CONFIGURATION = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
)
# Named one by one: many repositories also hold the weights in formats nobody here reads. Only
# where there are none of the first kind are those of the second taken.
_WEIGHTS = (
    ("model.safetensors", "model.safetensors.index.json", "model-*-of-*.safetensors"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin"),
)
_SHARD = re.compile(r"(model|pytorch_model)-\d+-of-(\d+)\.(safetensors|bin)")
# Far beyond any trained model; what lies outside makes every score equal, or infinite.
_LARGEST_FACTOR = 1e6


def model_type(folder: Path, name: str) -> str:
    """What config.json calls the model. Raises EncoderError unless its family is known."""
    layout = (
        "Name the folder that holds config.json, preprocessor_config.json, tokenizer.json and the "
        "weights (model.safetensors), as they are published."
    )
    found = read_json(folder, "config.json", name, layout).get("model_type")
    if not isinstance(found, str) or found not in FAMILY_OF:
        raise EncoderError(
            f"{name} is a model of type {found!r}, which is not an image-text encoder that "
            "cotbuild can load.",
            hint=f"Name a {kinds()} checkpoint, or `miniature`.",
        )
    return found


def weight_files(folder: Path) -> list[Path]:
    """The files that the weights are read from, sorted; empty if there are none."""
    return sorted(folder.glob("model*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))


def content_revision(folder: Path) -> str:
    """SHA-256 (hex) over names and contents of the configuration, tokenizer and weights.

    Reads the weights once. The same files in another folder have the same revision. Raises
    EncoderError for a file that cannot be read.
    """
    digest = hashlib.sha256()
    configuration = [folder / name for name in _CONFIGURATION if (folder / name).is_file()]
    for path in [*configuration, *weight_files(folder)]:
        try:
            content = bytes.fromhex(file_digest(path))
        except OSError as error:
            raise EncoderError(
                f"{path} cannot be read: {error.strerror or error}.",
                hint="Check who may read it, or download the checkpoint again.",
            ) from error
        digest.update(f"{path.name}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def wanted_files(published: Iterable[str]) -> list[str]:
    """The files of a repository that are read here.

    The weights come last, so that a download in this order that ended early lacks weights.
    """
    names = sorted(published)
    configuration = [name for name in _CONFIGURATION if name in names]
    safetensors, older = (
        [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]
        for patterns in _WEIGHTS
    )
    return configuration + (safetensors or older)


def lacks_files(folder: Path) -> bool:
    """Whether something is missing without which no checkpoint can be loaded."""
    names = {path.name for path in folder.iterdir() if path.is_file()}
    return not (
        "config.json" in names
        and names & {"preprocessor_config.json", "processor_config.json"}
        and ("tokenizer.json" in names or {"vocab.json", "merges.txt"} <= names)
        and (names & {"model.safetensors", "pytorch_model.bin"} or _has_all_shards(names))
    )


def _has_all_shards(names: Iterable[str]) -> bool:
    shards = Counter(match.groups() for name in names if (match := _SHARD.fullmatch(name)))
    return any(count == int(total) for (_, total, _), count in shards.items())


def read_json(folder: Path, file: str, name: str, hint: str) -> dict[str, Any]:
    """The object in a checkpoint's file. Raises EncoderError: missing, damaged or no object."""
    try:
        value = json.loads((folder / file).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise EncoderError(f"{name} holds no {file}.", hint=hint) from error
    except (OSError, ValueError, RecursionError) as error:
        raise EncoderError(f"{name}: {file} cannot be read: {error}.", hint=hint) from error
    if not isinstance(value, dict):
        raise EncoderError(f"{name}: {file} is not a JSON object.", hint=hint)
    return value


def unusable(name: str, why: str) -> EncoderError:
    """An error: a checkpoint's files are damaged or do not belong together."""
    return EncoderError(
        f"{name}: {why}.", hint="Download the checkpoint again, or name another one."
    )


def first_problem(found: Mapping[str, Iterable[str]]) -> str:
    """The first of several problems that occurs, with the names where it does; "" for none."""
    for problem, where in found.items():
        if names := sorted(where):
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            return f"{problem}: {', '.join(names[:3])}{more}"
    return ""


def cosine_factor(name: str, logit_scale: float) -> float:
    """The factor exp(logit_scale), from 1e-6 to 1e6. Raises EncoderError for any other."""
    if not abs(logit_scale) <= math.log(_LARGEST_FACTOR):
        raise unusable(name, f"its logit_scale is {logit_scale:g}, far from that of any model")
    return math.exp(logit_scale)
