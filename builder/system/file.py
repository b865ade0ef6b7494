"""The file of a system: the system, how it is scored, and where it comes from.

    {"version": 1, "system": {...}, "scoring": {"rule": "sum", "scale": null},
     "calibration": {"temperature": 0.2, "n": 336}, "provenance": {...}}

Also read: a bare system, the article's form, and a library of groups without rules, attributes that
are worth asking of any kind of picture. A broken file gives all that is not of the format at once,
or else all that contradicts itself.

    {"groups": [{"name": "colour", "prompt": "It is {}.", "options": ["red", "blue"]}]}
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import ConfigDict, Field, model_validator

from builder.errors import InputError
from builder.system.json_format import article_system, is_article, system_to_json
from builder.system.model import (
    AttributeGroup,
    AttributeSystem,
    Problem,
    Scoring,
    Unsound,
    Value,
    group_list_problems,
    names_problems,
    scored_texts,
)
from builder.system.strict_json import joined, listed, read_json, read_model

VERSION = 1
GENERAL = "general.json"
SplitName = Literal["review", "held_out", "final"]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
T = TypeVar("T")
_TIME = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$"
)
_LARGEST = 64 * 2**20


class _Record(Value):
    model_config = ConfigDict(allow_inf_nan=False)


class Calibration(_Record):
    """The temperature by which class totals are divided, fitted on `n` images."""

    temperature: Annotated[float, Field(gt=0)]
    n: Annotated[int, Field(ge=1)]


class Estimate(_Record):
    """`correct` of `n` images, with the bounds of a 95 % interval for the accuracy, in [0, 1]."""

    n: Annotated[int, Field(ge=1)]
    correct: Count
    low: Fraction
    high: Fraction

    @property
    def accuracy(self) -> float:
        return self.correct / self.n

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.correct > self.n:
            raise ValueError(f"{self.correct} correct of {self.n} images")
        if self.low > self.high:
            raise ValueError(f"the interval ends ({self.high}) before it begins ({self.low})")
        return self


class EncoderIdentity(_Record):
    """The encoder that measured the system; `logit_scale` is its own, already exponentiated."""

    name: str
    revision: str
    fingerprint: str
    logit_scale: Annotated[float, Field(gt=0)]


class Confirmation(_Record):
    """Whether a version is proven better than the version `against`, on held-out images.

    `fixed` and `broken` count the images that only the one or only the other gets right, `p` is
    McNemar's exact two-sided one, `needed` the largest that confirmed a gain at that look.
    """

    confirmed: bool
    version: Annotated[int, Field(ge=1)]
    against: Annotated[int, Field(ge=1)]
    fixed: Count
    broken: Count
    p: Fraction
    needed: Fraction


class Provenance(_Record):
    """Where a system comes from, what it was measured on, and how well it did.

    `created` is an ISO 8601 time with its offset, `cotbuild` the version that wrote it,
    `data` is a sha256 over the sorted image digests and labels, `splits` the digests of each
    split, `crop` left, top, right and bottom in fractions of the image. A system that was never
    measured has no encoder, data or accuracy. The session's first version has no confirmation: it
    is what the others are compared with.
    """

    created: Annotated[str, Field(pattern=_TIME)]
    cotbuild: str
    encoder: EncoderIdentity | None = None
    llm: str | None = None
    data: str | None = None
    crop: tuple[Fraction, Fraction, Fraction, Fraction] | None = None
    splits: dict[SplitName, tuple[str, ...]] = Field(default_factory=dict)
    accuracy: dict[SplitName, Estimate] = Field(default_factory=dict)
    baselines: dict[str, dict[SplitName, Estimate]] = Field(default_factory=dict)
    confirmation: Confirmation | None = None
    held_out_looks: Count = 0
    final_looks: Count = 0
    versions_tried: Count = 0
    note: str = ""


class SystemFile(_Record):
    """A system, how it is scored, and its provenance where it was built by a session.

    `calibration` is that of the encoder that measured the system, on its review images; None where
    there were too few.
    """

    version: Literal[1] = 1
    system: AttributeSystem
    scoring: Scoring = Scoring()
    calibration: Calibration | None = None
    provenance: Provenance | None = None


class SystemFileError(InputError):
    """A system file is broken; `problems` lists all that is wrong, with JSON paths."""

    def __init__(self, problems: tuple[Problem, ...], *, origin: str = "") -> None:
        super().__init__(
            f"{origin or 'the text'} is not a usable system file, {listed(problems)}",
            hint="Mend these places; the format is described in systems/README.md.",
        )
        self.problems = problems


def load_system_file(path: Path) -> SystemFile:
    """Reads a system file of UTF-8 text, at most 64 MiB.

    Raises InputError when it cannot be read, SystemFileError when its content is broken.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(
            f"there is no system file {path} that can be read: {error.strerror or error}",
            hint="Check the path and its permissions; a session's best system is in its folder "
            "as system.json.",
        ) from error
    if len(content) > _LARGEST:
        raise InputError(
            f"{path} is larger than {_LARGEST // 2**20} MiB, no system is",
            hint="Name a system file: JSON with groups and rules.",
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text: byte {error.start} cannot be read",
            hint="Save the file as UTF-8.",
        ) from error
    return parse_system_file(text, origin=str(path))


def parse_system_file(text: str, *, origin: str = "") -> SystemFile:
    """Parses a system file, a bare system or the article's shape; the last two scored by default.

    `origin` names the file in the message. Raises SystemFileError with every problem found.
    """
    return _read(text, _system_file, origin)


def write_system_file(file: SystemFile) -> str:
    """Writes the system file as JSON, indented by two, with a newline at the end."""
    value = file.model_dump(mode="json") | {"system": system_to_json(file.system)}
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def load_groups(path: Path) -> tuple[AttributeGroup, ...]:
    """The groups of a library that ships with the package.

    Raises SystemFileError with every problem found.
    """
    text = path.read_text(encoding="utf-8")
    return _read(text, lambda value: read_model(_Library, value), str(path)).groups


class _Library(_Record):
    groups: tuple[AttributeGroup, ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if problems := [*group_list_problems(self.groups), *names_problems(self.groups)]:
            raise Unsound(problems)
        return self


def _read(text: str, build: Callable[[object], T], origin: str) -> T:
    """What `build` makes of the JSON, or raises Unsound for. Raises SystemFileError."""
    reading = read_json(text)
    problems = reading.problems
    if reading.usable:
        try:
            built = build(reading.value)
        except Unsound as error:
            named = {problem.path for problem in problems}
            problems += tuple(p for p in error.problems if p.path not in named)
        else:
            if not problems:
                return built
    raise SystemFileError(problems, origin=origin)


def _system_file(value: object) -> SystemFile:
    if isinstance(value, dict):
        if is_article(value):
            return SystemFile(system=article_system(value))
        if not value.keys() & {"version", "system"} and value.keys() & AttributeSystem.model_fields:
            return SystemFile(system=read_model(AttributeSystem, value))
        version = value.get("version")
        if type(version) is not int:  # true is 1 to Python
            value = {**value, "version": None}
        elif version > VERSION:
            message = f"version {version} was written by a newer cotbuild, this one reads {VERSION}"
            raise Unsound([Problem("version", message)])
    file = read_model(SystemFile, value)
    means = file.scoring.means
    texts = () if means is None else dict.fromkeys(scored_texts(file.system, file.scoring))
    missing = [joined("scoring.means", text) for text in texts if text not in (means or {})]
    if missing:
        raise Unsound(Problem(path, "is missing") for path in missing)
    return file
