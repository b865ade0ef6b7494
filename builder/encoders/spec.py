"""How an encoder is named on the command line and in files.

    NAME[@revision][:truncate_dim=256,task=retrieval.query]

NAME is `miniature`, a known model's short name, `org/name` on the hub, or a local folder.
"""

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from builder.encoders.catalog import KNOWN, any_of, built_in, known_model
from builder.errors import EncoderError, InputError

# The hub's own rules for names are stricter; this only tells names from slips.
_HUB_ID = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>[^@\s]+))?")
_OPTION = re.compile(r"(?P<key>task|truncate_dim(?==[1-9][0-9]{0,5}$))=(?P<value>.+)")
_OPTIONS = re.compile(r"(?P<place>.*?):(?P<options>[a-z_]+=[^:]*)", re.DOTALL)

_KINDS, _EXAMPLES = any_of()
POSSIBLE = (
    f"Possible are: {', '.join(model.name for model in KNOWN)}; a {_KINDS} checkpoint on the "
    f"Hugging Face hub, such as {_EXAMPLES}, with @revision if need be; a local folder with such a "
    "checkpoint; `miniature` (a toy for drawn cards)."
)


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """An encoder as it is named. `folder` is set for local ones, `revision` never is for those.

    `truncate_dim` keeps the first components of a Matryoshka model's vectors; `task` puts that
    task's instruction before each text.
    """

    name: str
    folder: Path | None = None
    revision: str | None = None
    truncate_dim: int | None = None
    task: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The encoder that a text names. Raises EncoderError, and InputError for wrong options."""
        match = _OPTIONS.fullmatch(text)
        if match is None:
            return cls._parse_place(text)
        truncate_dim, task = _parse_options(text, match["options"])
        spec = cls._parse_place(match["place"])
        return dataclasses.replace(spec, truncate_dim=truncate_dim, task=task)

    @classmethod
    def _parse_place(cls, place: str) -> Self:
        if built_in(place):
            return cls(place)
        short, at, revision = place.partition("@")
        model = known_model(short) if revision or not at else None
        # Short names are the tool's own; a folder of that name is ./jina-clip-v1.
        if model is not None and short == model.name:
            return cls(model.repository, revision=revision or model.commit)
        # A folder that exists wins over a hub id of the same spelling.
        if (folder := _folder(place)) is not None:
            return cls(place, folder=folder)
        if model is not None:
            return cls(model.repository, revision=revision or model.commit)
        match = _HUB_ID.fullmatch(place)
        if match is None or place.startswith((".", "~")):
            raise EncoderError(f"Unknown encoder {place!r}: no such folder or name.", hint=POSSIBLE)
        return cls(match["repository"], revision=match["revision"])

    @property
    def licence(self) -> str:
        """The licence, as far as it is known without a file; empty where it isn't."""
        model = known_model(self.name)
        return model.licence if model is not None and self.folder is None else ""

    @property
    def title(self) -> str:
        """A short name for a column: without folder or organisation, revisions in 8 letters."""
        name = self.folder.resolve().name if self.folder else self.name.rpartition("/")[2]
        model = known_model(self.name)
        pinned = model is not None and self.revision == model.commit
        at = f"@{self.revision[:8]}" if self.revision and not pinned else ""
        return f"{name}{at}{self.options}"

    @property
    def options(self) -> str:
        """The options as they are written after the name, with the colon; empty without any."""
        given = {"truncate_dim": self.truncate_dim, "task": self.task}
        words = [f"{key}={value}" for key, value in given.items() if value is not None]
        return f":{','.join(words)}" if words else ""

    def pinned(self, revision: str) -> str:
        """What opens the same encoder again: the name with that hub commit, and the options."""
        on_hub = self.folder is None and "/" in self.name
        return f"{self.name}@{revision}{self.options}" if on_hub else f"{self.name}{self.options}"


def _folder(place: str) -> Path | None:
    """The local folder of that name, if there is one. Raises EncoderError for a file."""
    try:
        path = Path(place).expanduser()
        # An empty path would mean the folder one stands in.
        if place and path.is_dir():
            return path
        is_file = path.is_file()
    except (OSError, RuntimeError, ValueError):
        return None  # too long for a path, or somebody's home that doesn't exist
    if is_file:
        raise EncoderError(
            f"{place} is a file, not a folder with a checkpoint.",
            hint="Name the folder that holds config.json, the tokenizer and the weights.",
        )
    return None


def _parse_options(text: str, options: str) -> tuple[int | None, str | None]:
    found: dict[str, str] = {}
    for part in options.split(","):
        match = _OPTION.fullmatch(part)
        if match is None or match["key"] in found:
            raise InputError(
                f"The encoder {text!r} has an option {part!r} that can't be used.",
                hint="Options follow the name, e.g. "
                "jina-clip-v2:truncate_dim=256,task=retrieval.query",
            )
        found[match["key"]] = match["value"]
    dimensions = found.get("truncate_dim")
    return int(dimensions) if dimensions else None, found.get("task")
