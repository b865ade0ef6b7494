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
_FILE = re.compile(r"([^.]+)\.([^.]+)\.md")


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
        templates = [entry for folder in self._folders() for entry in _templates(folder).values()]
        return tuple(sorted({language for name, language in templates if name == DRAFT}))

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


def _templates(folder: Path) -> dict[Path, tuple[str, str]]:
    """The files that may be templates, with name and language; "" for what has none."""
    paths = (path for path in sorted(folder.glob("*.md")) if path.stem.lower() != "readme")
    matches = {path: _FILE.fullmatch(path.name) for path in paths}
    return {path: (match[1], match[2]) if match else ("", "") for path, match in matches.items()}


def _check_folder(folder: Path) -> None:
    """Raises InputError for what would never be used, e.g. a misspelt name, and for wrong slots."""
    shipped = {name: path for path, (name, _) in _templates(resource_folder("prompts")).items()}
    found = _templates(folder)
    if not found:
        what = f"{folder} holds no" if folder.is_dir() else f"There is no folder {folder} with"
        raise InputError(
            f"{what} prompt templates.",
            hint="Put copies of the templates to change there, e.g. draft.en.md.",
        )
    for path, (name, _) in found.items():
        if name not in shipped:
            raise InputError(
                f"{path} is no template that cotbuild uses.",
                hint=f"Templates are NAME.LANGUAGE.md, NAME one of: {', '.join(sorted(shipped))}.",
            )
        # Before a session comes to where it is used.
        slots = _slots(_read(shipped[name]), name)
        fill(_read(path), dict.fromkeys(slots, ""), where=str(path))


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


def described_classes(classes: Sequence[Described], keys: Sequence[str] = ()) -> str:
    """Classes as data, one a line; `keys`: one for each, by which an answer calls it."""
    entries = [described(entry) for entry in classes]
    if keys:
        entries = [{"key": key} | entry for key, entry in zip(keys, entries, strict=True)]
    return as_data(entries)


def described(entry: Described) -> dict[str, str]:
    name, description = entry
    return {"name": name} | ({"description": description} if description else {})
