"""The templates in prompts/: `{{slot}}` is filled, everything else (also a lone `{}`) stands."""

import re
from pathlib import Path

from builder.errors import InputError
from builder.resources import resource_folder

_SLOT = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def render(name: str, language: str = "en", **values: str) -> str:
    """The template `prompts/<name>.<language>.md` with every slot filled.

    Values are put in as they are: a `{{slot}}` inside one is not filled again.
    Raises InputError for a template that is missing, unreadable or malformed, for a slot without
    a value and for a value without a slot.
    """
    path = resource_folder("prompts") / f"{name}.{language}.md"
    return fill(_read(path), values, where=str(path))


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


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(
            f"There is no prompt template {path}.",
            hint="Restore it from the distribution, or name a language that has one.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The prompt template {path} cannot be read: {error}.",
            hint="A template is a UTF-8 text file.",
        ) from error


def _listed(names: list[str]) -> str:
    return ", ".join(f"{{{{{name}}}}}" for name in names)
