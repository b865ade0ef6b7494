"""Hypothesis strategies: systems, edits and proposals whose names are as odd as names can be."""

from collections.abc import Collection, Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from builder.edits.apply import apply
from builder.edits.model import (
    AddClass,
    AddGroup,
    AddOption,
    DropClass,
    DropGroup,
    DropOption,
    Edit,
    MergeOptions,
    MoveClass,
    MoveGroup,
    MoveOption,
    Proposal,
    RenameClass,
    RenameGroup,
    RenameOption,
    SetDomain,
    SetPrompt,
    SetRule,
    Source,
    SplitOption,
)
from builder.system.model import AttributeGroup, AttributeSystem, Choice
from builder.system.names import folded

# A busy machine must not fail a test that is right.
QUICK = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
THOROUGH = settings(QUICK, max_examples=120)

ODD_NAMES = (
    "red",
    "RED",
    "dark red",
    "[red]",
    "[/bold]",
    "Beedrill δ",
    "Blaine's Moltres",
    "Celebi & Venusaur-GX",
    'the "great" one',
    "yes/no",
    "a\\b",
    "{}",
    "{0}",
    "{color}",
    "🦊 fox",
    "שועל",
    "\u202eright to left",
    "100 %",
    "None",
    "long " * 60 + "name",
)
PROMPTS = (
    "It is {}.",
    "This creature's body is mainly {} in color.",
    "{}",
    "[bold]{}[/bold]",
    "{{}}",
    "{0} {} {name}",
    'A "{}" / 🦊 / שועל',
)
_SOURCES: st.SearchStrategy[Source] = st.sampled_from(["person", "llm", "data"])
_REASONS = st.sampled_from(["", *ODD_NAMES])


_TEXT = st.text(min_size=1, max_size=8).map(str.strip).filter(bool)
_NAMES = st.sampled_from(ODD_NAMES) | _TEXT
_PROMPTS = st.sampled_from(PROMPTS)
_NAME_LISTS = {
    (least, most): st.lists(_NAMES, min_size=least, max_size=most, unique_by=folded)
    for least, most in ((1, 3), (2, 4), (2, 5))
}


def names() -> st.SearchStrategy[str]:
    """Text that a group, option, class or domain can be called; odd ones often, any at times."""
    return _NAMES


def prompts() -> st.SearchStrategy[str]:
    """Prompts with one slot, some with braces, brackets and quotes around it."""
    return _PROMPTS


@st.composite
def groups(draw: st.DrawFn, name: str | None = None) -> AttributeGroup:
    """A group of two to four options, of that name or of any."""
    return AttributeGroup(
        name=draw(_NAMES) if name is None else name,
        prompt=draw(_PROMPTS),
        options=tuple(draw(_NAME_LISTS[2, 4])),
    )


@st.composite
def systems(draw: st.DrawFn) -> AttributeSystem:
    """One to three groups, two to five classes; rules of one option mostly, of several, of none."""
    drawn = [draw(groups(name)) for name in draw(_NAME_LISTS[1, 3])]
    class_names = draw(_NAME_LISTS[2, 5])
    # One draw for all rules: a draw for each would take most of the time of most tests.
    cells = len(drawn) * len(class_names)
    bytes_left = iter(draw(st.binary(min_size=cells, max_size=cells)))
    rules = {
        class_name: {group.name: _choice(group.options, next(bytes_left)) for group in drawn}
        for class_name in class_names
    }
    return AttributeSystem(domain=draw(_NAMES), groups=tuple(drawn), rules=rules)


def choices(options: Sequence[str], least: int = 0) -> st.SearchStrategy[Choice]:
    """What a rule may say of a group: most often one of its options, `least` or more of them."""
    chosen = _BYTES.map(lambda byte: _choice(options, byte))
    return chosen if least == 0 else chosen.map(lambda choice: choice or tuple(options[:least]))


_BYTES = st.integers(0, 255)


def _choice(options: Sequence[str], byte: int) -> Choice:
    """Below 192 one option; above, those whose bits are set, which may be none."""
    if byte < 192:
        return (options[byte % len(options)],)
    return tuple(option for bit, option in enumerate(options) if byte >> bit & 1)


@st.composite
def edits_to(draw: st.DrawFn, system: AttributeSystem) -> Edit:
    """One edit, of any kind, that can be made to the system by itself."""
    family = draw(st.sampled_from([_group_edits, _option_edits, _class_edits]))
    return draw(family(system))


@st.composite
def proposals_to(draw: st.DrawFn, system: AttributeSystem) -> Proposal:
    """One to four edits that can be made to the system one after the other."""
    edits: list[Edit] = []
    for _ in range(draw(st.integers(1, 4))):
        edits.append(draw(edits_to(system)))
        system = apply(system, edits[-1:])
    return Proposal(
        edits=tuple(edits),
        source=draw(_SOURCES),
        reason=draw(_REASONS),
    )


@st.composite
def system_pairs(draw: st.DrawFn) -> tuple[AttributeSystem, AttributeSystem]:
    """Two systems: of nothing in common but by chance, or the second edited from the first."""
    first = draw(systems())
    if draw(st.booleans()):
        return first, draw(systems())
    return first, apply(first, draw(proposals_to(first)).edits)


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    """An edit of any kind, to a system that nobody keeps."""
    return draw(edits_to(draw(systems())))


@st.composite
def proposals(draw: st.DrawFn) -> Proposal:
    """A proposal to a system that nobody keeps."""
    return draw(proposals_to(draw(systems())))


@st.composite
def _group_edits(draw: st.DrawFn, system: AttributeSystem) -> Edit:
    group = draw(st.sampled_from(system.groups))
    taken = [other.name for other in system.groups]
    kinds = [AddGroup, RenameGroup, MoveGroup, SetPrompt, SetDomain]
    match draw(st.sampled_from([*kinds, DropGroup] if len(taken) > 1 else kinds)).__name__:
        case "AddGroup":
            added = draw(groups(draw(_fresh(taken))))
            rules = draw(
                st.dictionaries(st.sampled_from(system.classes), choices(added.options), max_size=4)
            )
            return AddGroup(group=added, rules=rules, position=draw(_places(len(taken))))
        case "RenameGroup":
            return RenameGroup(group=group.name, to=draw(_respelled(group.name, taken)))
        case "MoveGroup":
            position = draw(st.integers(0, len(taken) - 1))
            return MoveGroup(group=group.name, position=position)
        case "SetPrompt":
            return SetPrompt(group=group.name, prompt=draw(_PROMPTS))
        case "DropGroup":
            return DropGroup(group=group.name)
    return SetDomain(domain=draw(_NAMES))


@st.composite
def _option_edits(draw: st.DrawFn, system: AttributeSystem) -> Edit:
    group = draw(st.sampled_from(system.groups))
    options = group.options
    option = draw(st.sampled_from(options))
    others = [other for other in options if other != option]
    kinds = [AddOption, RenameOption, MoveOption, SplitOption]
    shrinking = [DropOption, MergeOptions] if len(options) > 2 else []
    match draw(st.sampled_from([*kinds, *shrinking])).__name__:
        case "AddOption":
            place = draw(_places(len(options)))
            return AddOption(group=group.name, option=draw(_fresh(options)), position=place)
        case "RenameOption":
            to = draw(_respelled(option, options))
            return RenameOption(group=group.name, option=option, to=to)
        case "DropOption":
            replacement = draw(st.none() | st.sampled_from(others))
            return DropOption(group=group.name, option=option, replacement=replacement)
        case "MergeOptions":
            some = st.lists(
                st.sampled_from(options), min_size=2, max_size=len(options) - 1, unique=True
            )
            merged = tuple(draw(some))
            into = draw(st.sampled_from(merged) | _fresh(options))
            return MergeOptions(group=group.name, options=merged, into=into)
        case "SplitOption":
            return draw(splits_of(system, group, option))
    position = draw(st.integers(0, len(options) - 1))
    return MoveOption(group=group.name, option=option, position=position)


@st.composite
def splits_of(
    draw: st.DrawFn, system: AttributeSystem, group: AttributeGroup, option: str
) -> SplitOption:
    """The option of that group split into two or three, of which one may be itself."""
    others = [other for other in group.options if other != option]
    parts = [option] if draw(st.booleans()) else [draw(_fresh(others))]
    while len(parts) < 2 or (len(parts) < 3 and draw(st.booleans())):
        parts.append(draw(_fresh([*others, *parts])))
    into = tuple(draw(st.permutations(parts)))
    users = [name for name, row in system.rules.items() if option in row[group.name]]
    classes = {name: draw(choices(into, least=1)) for name in users}
    return SplitOption(group=group.name, option=option, into=into, classes=classes)


@st.composite
def _class_edits(draw: st.DrawFn, system: AttributeSystem) -> Edit:
    group = draw(st.sampled_from(system.groups))
    class_name = draw(st.sampled_from(system.classes))
    taken = system.classes
    kinds = [AddClass, RenameClass, MoveClass, SetRule, SetRule]
    match draw(st.sampled_from([*kinds, DropClass] if len(taken) > 2 else kinds)).__name__:
        case "AddClass":
            named = draw(st.lists(st.sampled_from(system.groups), unique_by=lambda g: g.name))
            rules = {some.name: draw(choices(some.options)) for some in named}
            place = draw(_places(len(taken)))
            return AddClass(class_name=draw(_fresh(taken)), rules=rules, position=place)
        case "RenameClass":
            return RenameClass(class_name=class_name, to=draw(_respelled(class_name, taken)))
        case "MoveClass":
            position = draw(st.integers(0, len(taken) - 1))
            return MoveClass(class_name=class_name, position=position)
        case "DropClass":
            return DropClass(class_name=class_name)
    options = draw(choices(group.options))
    return SetRule(class_name=class_name, group=group.name, options=options)


@st.composite
def _fresh(draw: st.DrawFn, taken: Collection[str]) -> str:
    """A name that is not taken yet, whatever its case."""
    keys = {folded(name) for name in taken}
    name = draw(_NAMES)
    while folded(name) in keys:
        name += "'"
    return name


@st.composite
def _respelled(draw: st.DrawFn, name: str, taken: Collection[str]) -> str:
    """A new name, or the old one in other letters' case."""
    other_case = name.swapcase()
    if folded(other_case) == folded(name) and draw(st.booleans()):
        return other_case
    return draw(_fresh(taken))


def _places(end: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(0, end)
