"""The system itself: its groups with their options, and the rules."""

from builder.report.markup import Markup, element, joined, void
from builder.report.tables import Column, table
from builder.scoring.wording import counted
from builder.system.checks import check
from builder.system.model import AttributeGroup, AttributeSystem

_FINDINGS = 20
_UNFOLDED = 30
# A class, and its options by group.
Row = tuple[str, tuple[str, ...]]


def system_section(system: AttributeSystem) -> Markup:
    """The groups, what can be said without any image, and the rules as a table to search."""
    return joined(
        (
            element("div", *(_group(group, system) for group in system.groups), class_="groups"),
            _findings(system),
            _rules(system),
        )
    )


def _rules(system: AttributeSystem) -> Markup:
    """The rules, folded where there are so many that what follows would be out of sight."""
    summary = element("summary", f"Rules of {counted(len(system.classes), 'class', 'classes')}")
    rows = table(_columns(system), _rows(system), id="rules")
    is_open = len(system.classes) <= _UNFOLDED
    return element("details", summary, _search(system), rows, open=is_open)


def _group(group: AttributeGroup, system: AttributeSystem) -> Markup:
    users = dict.fromkeys(group.options, 0)
    for choices in system.rules.values():
        for option in choices[group.name]:
            users[option] += 1
    options = [
        element("li", option, " ", element("span", str(count), class_="count"))
        for option, count in users.items()
    ]
    prompt = element("p", group.prompt, class_="prompt")
    return element("section", element("h3", group.name), prompt, element("ul", *options))


def _findings(system: AttributeSystem) -> Markup:
    found = check(system)
    if not found.findings:
        words = "No two classes have the same rules, and every option and group is of use."
        return element("p", words, class_="aside")
    items = [element("li", finding.message) for finding in found.findings[:_FINDINGS]]
    if len(found.findings) > _FINDINGS:
        items.append(element("li", f"and {len(found.findings) - _FINDINGS} more"))
    ceiling = ""
    if found.ceiling < 1:
        ceiling = f" With these rules alone no encoder can exceed {100 * found.ceiling:.1f} %."
    summary = element("summary", f"{counted(len(found.findings), 'weak spot')} without an image.")
    return element("details", summary, element("p", ceiling.strip()), element("ul", *items))


def _search(system: AttributeSystem) -> Markup:
    """The search field, shown by the script that does the searching."""
    size = counted(len(system.classes), "class", "classes")
    return element(
        "p",
        element("label", "Search ", void("input", type="search", id="search", autocomplete="off")),
        " ",
        element("output", size, id="found"),
        class_="search",
        hidden=True,
    )


def _columns(system: AttributeSystem) -> tuple[Column[Row], ...]:
    def option(place: int) -> Column[Row]:
        return Column(system.groups[place].name, lambda row: row[1][place])

    return (Column("class", lambda row: row[0]), *map(option, range(len(system.groups))))


def _rows(system: AttributeSystem) -> list[Row]:
    return [
        (name, tuple(" or ".join(chosen) or "–" for chosen in choices.values()))
        for name, choices in system.rules.items()
    ]
