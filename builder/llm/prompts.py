"""The templates in prompts/, their slots filled, and users' words made safe to stand in them.

`{{slot}}` is filled; everything else, also a lone `{}`, stands as it is. What users wrote goes in
as JSON between tags: the model is to read it as data, never as an instruction.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from builder.errors import InputError
from builder.resources import resource_folder

DRAFT = "draft"
Described = tuple[str, str]  # class name, description or ""
_SLOT = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FILE = re.compile(r"(?P<name>[^.]+)\.(?P<language>[^.]+)\.md")


@dataclass(frozen=True, slots=True)
class Prompts:
    """Which templates are used: those in `override`, the shipped ones where it has none."""

    language: str = "en"
    override: Path | None = None

    @classmethod
    def open(cls, language: str = "en", override: Path | None = None) -> Self:
        """The templates that the user names.

        Raises InputError for a language without templates, for a folder that can't be read, and
        for a file in it that would never be used.
        """
        prompts = cls(language, override)
        if override is not None:
            _check_folder(override)
        if language not in prompts.languages():
            raise _no_template(f"{DRAFT}.{language}.md", prompts.languages())
        return prompts

    def languages(self) -> tuple[str, ...]:
        """The languages that a draft can be asked for in."""
        found = {
            match["language"]
            for path in _templates(*self._folders())
            if (match := _FILE.fullmatch(path.name)) and match["name"] == DRAFT
        }
        return tuple(sorted(found))

    def render(self, name: str, /, **values: str) -> str:
        """The template `<name>.<language>.md` with every slot filled.

        Values are put in as they are: a `{{slot}}` inside one is not filled again.
        Raises InputError for a template that is missing, unreadable or malformed, for a slot
        without a value and for a value without a slot.
        """
        path = self._path(name)
        return fill(_read(path), values, where=str(path))

    def question(self, name: str, context: str, **values: str) -> str:
        """The template, with the user's background text behind it if there is any."""
        question = self.render(name, **values)
        lines = [line for line in context.splitlines() if line.strip()]
        if not lines:
            return question
        return f"{question}\n\n{self.render('context', context=as_data(lines))}"

    def again(self, question: str, problems: Iterable[str]) -> str:
        """The question once more, with lines on what was wrong with the answer to it."""
        again = self.render("again", problems="\n".join(problems))
        return f"{question}\n\n{again}"

    def _path(self, name: str) -> Path:
        file = f"{name}.{self.language}.md"
        for folder in self._folders():
            if (folder / file).is_file():
                return folder / file
        raise _no_template(file, self.languages())

    def _folders(self) -> tuple[Path, ...]:
        shipped = resource_folder("prompts")
        return (shipped,) if self.override is None else (self.override, shipped)


ENGLISH = Prompts()


def render(name: str, language: str = "en", **values: str) -> str:
    """The shipped template with every slot filled: see `Prompts.render`."""
    return Prompts(language).render(name, **values)


def fill(template: str, values: dict[str, str], *, where: str) -> str:
    """`template` with its slots filled from `values`; `where` names it in errors."""
    slots = _slots(template, where)
    if unknown := sorted(slots - values.keys()):
        raise InputError(
            f"{where}: nothing fills {_listed(unknown)}.",
            hint=f"This template's slots are {_listed(sorted(values))}; remove the others.",
        )
    if unused := sorted(values.keys() - slots):
        raise InputError(
            f"{where}: the template leaves out {_listed(unused)}.",
            hint=f"Put {_listed(unused)} back where the model should read it.",
        )
    return _SLOT.sub(lambda match: values[match[1].strip()], template).strip()


def _slots(template: str, where: str) -> set[str]:
    names = {match[1].strip() for match in _SLOT.finditer(template)}
    if malformed := sorted(name for name in names if not _NAME.fullmatch(name)):
        raise InputError(
            f"{where}: {{{{{malformed[0]}}}}} is no slot.",
            hint="A slot is a lower-case word in double braces, like {{domain}}.",
        )
    return names


def _templates(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.glob("*.md"))]


def _check_folder(folder: Path) -> None:
    """Raises InputError for files that would never be used, e.g. under a misspelt name."""
    if not folder.is_dir():
        raise InputError(
            f"There is no folder {folder} with prompt templates.",
            hint="Name one with copies of the templates to change, e.g. draft.en.md.",
        )
    matches = [_FILE.fullmatch(path.name) for path in _templates(resource_folder("prompts"))]
    known = sorted({match["name"] for match in matches if match})
    found = [path for path in _templates(folder) if path.stem.lower() != "readme"]
    for path in found:
        match = _FILE.fullmatch(path.name)
        if match is None or match["name"] not in known:
            raise InputError(
                f"{path} is no template that cotbuild uses.",
                hint=f"Templates are NAME.LANGUAGE.md, NAME one of: {', '.join(known)}.",
            )
        _check_slots(path, match["name"])
    if not found:
        raise InputError(
            f"{folder} holds no prompt templates.",
            hint="Put copies of the templates to change there, e.g. draft.en.md.",
        )


def slots_of(name: str) -> frozenset[str]:
    """The slots of the template of this name, in every language."""
    return frozenset(_slots(_read(resource_folder("prompts") / f"{name}.en.md"), name))


def _check_slots(path: Path, name: str) -> None:
    """Checks the slots of a user's template before a session comes to where it is used."""
    fill(_read(path), dict.fromkeys(slots_of(name), ""), where=str(path))


def _no_template(file: str, languages: tuple[str, ...]) -> InputError:
    return InputError(
        f"There is no prompt template {file}; there are templates in {', '.join(languages)}.",
        hint="Name one of these languages, or a folder that holds the template: --prompts DIR.",
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The prompt template {path} cannot be read: {error}.",
            hint="A template is a UTF-8 text file.",
        ) from error


def _listed(names: list[str]) -> str:
    return ", ".join(f"{{{{{name}}}}}" for name in names)


# --- What users wrote, as data --------------------------------------------------------------------


def as_data(values: Sequence[object]) -> str:
    """A JSON list, one value a line, that can't close the tag it stands in."""
    lines = ",\n".join(json.dumps(value, ensure_ascii=False) for value in values)
    return f"[\n{lines}\n]".replace("<", "\\u003c") if values else "[]"


def described_classes(classes: Sequence[Described]) -> str:
    """Classes as data, one a line."""
    return as_data([described(entry) for entry in classes])


def described(entry: Described) -> dict[str, str]:
    name, description = entry
    return {"name": name} | ({"description": description} if description else {})
