"""The file of a system: the system, how it is scored, and where it comes from.

    {"version": 1, "system": {...}, "scoring": {"rule": "sum", "scale": null},
     "calibration": {"temperature": 0.2, "n": 336}, "provenance": {...}}

Also read: a bare system, the article's form, and a library of groups without rules, attributes that
are worth asking of any kind of picture. A broken file gives every problem at once.

    {"groups": [{"name": "colour", "prompt": "It is {}.", "options": ["red", "blue"]}]}
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from builder.errors import InputError
from builder.system.json_format import (
    SYSTEM_KEYS,
    article_problems,
    article_system,
    groups_from_json,
    groups_problems,
    is_article,
    system_from_json,
    system_json_problems,
    system_to_json,
)
from builder.system.model import (
    AttributeGroup,
    AttributeSystem,
    Fitted,
    Problem,
    Scoring,
    scored_texts,
)
from builder.system.strict_json import (
    joined,
    model_problems,
    object_problems,
    read_json,
    wrong_kind,
)

VERSION = 1
GENERAL = "general.json"
SplitName = Literal["review", "held_out", "final"]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
M = TypeVar("M", bound=BaseModel)
_TIME = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$"
)
_LARGEST = 64 * 2**20
_SHOWN = 20


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [f"{p.path}: {p.message}" if p.path else p.message for p in problems[:_SHOWN]]
        if len(problems) > _SHOWN:
            lines.append(f"and {len(problems) - _SHOWN} more")
        shown = "\n".join(f"  {line}" for line in lines)
        super().__init__(
            f"{origin or 'the text'} is not a usable system file, {count}:\n{shown}",
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
    except FileNotFoundError as error:
        raise InputError(
            f"there is no system file {path}",
            hint="Check the path; a session's best system is in its folder as system.json.",
        ) from error
    except IsADirectoryError as error:
        raise InputError(
            f"{path} is a folder, not a system file",
            hint="Name the file in it, for example system.json in a session's folder.",
        ) from error
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}",
            hint="Check the path and the permissions of the file.",
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
    reading = read_json(text)
    problems = list(reading.problems)
    if reading.usable:
        named = {problem.path for problem in problems}
        problems.extend(p for p in _problems(reading.value) if p.path not in named)
    if problems:
        raise SystemFileError(tuple(problems), origin=origin)
    file = _build(reading.value)
    if missing := tuple(_missing_means(file)):
        raise SystemFileError(missing, origin=origin)
    return file


def write_system_file(file: SystemFile) -> str:
    """Writes the system file as JSON, indented by two, with a newline at the end."""
    calibration, provenance = file.calibration, file.provenance
    value = {
        "version": file.version,
        "system": system_to_json(file.system),
        "scoring": file.scoring.model_dump(mode="json"),
        "calibration": None if calibration is None else calibration.model_dump(mode="json"),
        "provenance": None if provenance is None else provenance.model_dump(mode="json"),
    }
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def load_groups(path: Path) -> tuple[AttributeGroup, ...]:
    """The groups of a library that ships with the package.

    Raises SystemFileError with every problem found.
    """
    reading = read_json(path.read_text(encoding="utf-8"))
    problems = list(reading.problems)
    if reading.usable:
        problems.extend(object_problems(reading.value, "", ("groups",)))
        if not problems:
            problems.extend(groups_problems(reading.value["groups"], "groups"))
    if problems:
        raise SystemFileError(tuple(problems), origin=str(path))
    return groups_from_json(reading.value["groups"])


def _problems(value: object) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield wrong_kind(value, "", "an object")
    elif is_article(value):
        yield from article_problems(value)
    elif _is_bare(value):
        yield from system_json_problems(value)
    else:
        yield from _envelope_problems(value)


def _is_bare(value: Mapping[str, Any]) -> bool:
    enveloped = "version" in value or "system" in value
    return not enveloped and any(key in value for key in SYSTEM_KEYS)


def _envelope_problems(value: Mapping[str, Any]) -> Iterator[Problem]:
    version = value.get("version")
    if type(version) is int and version > VERSION:
        message = f"version {version} was written by a newer cotbuild, this one reads {VERSION}"
        yield Problem("version", message)
        return
    optional = ("scoring", "calibration", "provenance")
    yield from object_problems(value, "", ("version", "system"), optional)
    if "version" in value and (type(version) is not int or version != VERSION):
        yield Problem("version", f"should be {VERSION}")
    if "system" in value:
        yield from system_json_problems(value["system"], "system")
    if "scoring" in value:
        known = [*Scoring.model_fields, *Fitted.model_fields]
        yield from model_problems(Scoring, value["scoring"], "scoring", known)
    if (calibration := value.get("calibration")) is not None:
        fields = Calibration.model_fields
        yield from model_problems(Calibration, calibration, "calibration", fields)
    if value.get("provenance") is not None:
        parts = (Provenance, EncoderIdentity, Estimate, Confirmation)
        known = [name for part in parts for name in part.model_fields]
        yield from model_problems(Provenance, value["provenance"], "provenance", known)


def _missing_means(file: SystemFile) -> Iterator[Problem]:
    means = file.scoring.means
    if means is not None:
        for text in dict.fromkeys(scored_texts(file.system, file.scoring)):
            if text not in means:
                yield Problem(joined("scoring.means", text), "is missing")


def _build(value: Mapping[str, Any]) -> SystemFile:
    if is_article(value):
        return SystemFile(system=article_system(value))
    if _is_bare(value):
        return SystemFile(system=system_from_json(value))
    calibration, provenance = value.get("calibration"), value.get("provenance")
    return SystemFile(
        system=system_from_json(value["system"]),
        scoring=_model(Scoring, value.get("scoring", {})),
        calibration=None if calibration is None else _model(Calibration, calibration),
        provenance=None if provenance is None else _model(Provenance, provenance),
    )


def _model(model: type[M], value: object) -> M:
    return model.model_validate_json(json.dumps(value), strict=True)
