"""The columns of tables, which `macros.html.j2` draws, and those of the rules."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from builder.system.model import AttributeGroup, AttributeSystem, Choice

Row = TypeVar("Row")
_Rule = tuple[str, dict[str, Choice]]


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """What a column shows of a row; `help` says what it means. Numbers stand to the right."""

    title: str
    cell: Callable[[Row], str]
    help: str = ""
    number: bool = False


def rule_columns(system: AttributeSystem) -> list[Column[_Rule]]:
    """Of the rules, whose rows are a class with its options by group."""

    def of_group(name: str) -> Column[_Rule]:
        return Column(name, lambda rule: " or ".join(rule[1][name]) or "–")

    return [Column("class", lambda rule: rule[0]), *(of_group(g.name) for g in system.groups)]


def users(group: AttributeGroup, system: AttributeSystem) -> dict[str, int]:
    """How many classes each option is ruled for."""
    return {
        option: sum(option in choices[group.name] for choices in system.rules.values())
        for option in group.options
    }
