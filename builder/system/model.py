"""The attribute system: groups of mutually exclusive options, and rules class -> option(s).

A system is an immutable value. The order of its groups, options and classes is part of it.
Rules are keyed by class name and hold option text; indices exist only in the article's format.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationInfo,
    field_serializer,
    model_serializer,
    model_validator,
)

from builder.system.names import folded

SLOT = "{}"
# Longer texts are cut in messages, and not compared for slips of the pen, which takes long.
_LONGEST_SHOWN = 100

_KINDS = {
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a decimal number",
    type(None): "null",
}

# Names keep their inner spelling; only blanks around them are never meant.
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# What the score of a group is multiplied by.
Weight = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
# The options a rule names in one group: one, several, or none ("does not apply").
Choice = tuple[str, ...]
Rules = Mapping[str, Mapping[str, Choice]]


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule of the format: where in the JSON (`groups[0].prompt`) and what is wrong."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class Unsound(ValueError):
    """A value breaks rules of the format; the paths of its `problems` begin at the value."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))


def prompt_problems(prompt: str, path: str = "prompt") -> Iterator[Problem]:
    """The problem of a prompt without exactly one slot, if it is one."""
    slots = prompt.count(SLOT)
    if slots != 1:
        message = f"the prompt {quoted(prompt)} must hold exactly one {SLOT}, it holds {slots}"
        yield Problem(path, message)


def group_problems(prompt: str, options: Sequence[str]) -> list[Problem]:
    """The problems of one group's prompt and options; none if it is sound."""
    found = [*prompt_problems(prompt)]
    # Fewer leave nothing to choose from.
    if len(options) < 2:
        message = f"a group needs at least 2 options, it has {len(options)}"
        found.append(Problem("options", message))
    return [*found, *_repeated({f"options[{i}]": text for i, text in enumerate(options)})]


class Value(BaseModel):
    """What never changes, and has no key but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AttributeGroup(Value):
    """One question to the encoder: a prompt with one `{}` and at least two options for it."""

    name: Name
    prompt: Name
    options: tuple[Name, ...]

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        # What is read from a file is checked as a whole, for all problems to be told at once.
        problems = group_problems(self.prompt, self.options)
        if problems and not info.context:
            raise ValueError("; ".join(problem.message for problem in problems))
        return self

    def phrase(self, option: str) -> str:
        """The prompt with `option` in its place, e.g. "It looks like a wolf."."""
        # Plain replacement: an option may hold braces, which str.format would interpret.
        return self.prompt.replace(SLOT, option)

    def phrases(self) -> tuple[str, ...]:
        """One phrase per option, in the order of the options."""
        return tuple(self.phrase(option) for option in self.options)


def group_list_problems(groups: Sequence[AttributeGroup]) -> Iterator[Problem]:
    """The problems of groups one by one, with their places in the list."""
    for index, group in enumerate(groups):
        for problem in group_problems(group.prompt, group.options):
            yield Problem(f"groups[{index}].{problem.path}", problem.message)


def names_problems(groups: Sequence[AttributeGroup]) -> Iterator[Problem]:
    """The problems of no groups, and of groups with the same name."""
    if not groups:
        yield Problem("groups", "a system needs at least 1 group")
    yield from _repeated({f"groups[{i}].name": group.name for i, group in enumerate(groups)})


def system_problems(
    groups: Sequence[AttributeGroup], rules: Mapping[str, Mapping[str, Sequence[str]]]
) -> list[Problem]:
    """The problems between groups and rules, where the groups themselves are sound."""
    few = f"a system needs at least 2 classes, it has {len(rules)}"
    return [
        *names_problems(groups),
        *([Problem("rules", few)] if len(rules) < 2 else ()),
        *_rule_problems(groups, rules),
    ]


def as_choice(value: object) -> tuple[Any, ...]:
    """One option, several, or None as the tuple in which rules hold them."""
    if value is None or isinstance(value, str):
        return () if value is None else (value,)
    if isinstance(value, list | tuple):
        return tuple(value)
    raise ValueError(f"should be an option, a list of options or null, it is {json_kind(value)}")


class AttributeSystem(Value):
    """Groups and rules for one domain.

    `rules[class][group]` is a tuple of options of that group: one, several (a class that comes in
    two colours) or none (does not apply). A group that a rule leaves out means none. Rules are
    read-only and hold every group, in the order of `groups`; chosen options are in option order.

    Raises pydantic.ValidationError when an invariant is broken; `system_problems` lists them all.
    """

    domain: Name
    groups: tuple[AttributeGroup, ...]
    rules: Mapping[str, Mapping[str, Annotated[tuple[Name, ...], BeforeValidator(as_choice)]]]

    @model_validator(mode="after")
    def _check_and_normalise(self) -> Self:
        own = group_list_problems(self.groups)
        if problems := [*own, *system_problems(self.groups, self.rules)]:
            raise Unsound(problems)
        object.__setattr__(self, "rules", _normalised(self.groups, self.rules))
        return self

    @field_serializer("rules")
    def _plain_rules(self, rules: Rules) -> dict[str, dict[str, Choice]]:
        return {name: dict(choices) for name, choices in rules.items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AttributeSystem) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[object, ...]:
        # Dicts compare without order, but the order of classes is part of the value.
        rules = tuple((name, tuple(choices.values())) for name, choices in self.rules.items())
        return (self.domain, self.groups, rules)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.rules)

    @property
    def without_rules(self) -> tuple[str, ...]:
        """The classes whose rules name no option in any group: nothing is known of them."""
        return tuple(name for name, rule in self.rules.items() if not any(rule.values()))

    def group(self, name: str) -> AttributeGroup:
        """The group of that name. Raises KeyError if there is none."""
        for group in self.groups:
            if group.name == name:
                return group
        raise KeyError(name)

    def with_rules(self, rows: Mapping[str, Mapping[str, Choice]]) -> Self:
        """The system with other rules for some of its classes; the rest is not checked again.

        Raises ValueError when one breaks an invariant.
        """
        if problems := tuple(_rule_problems(self.groups, rows)):
            raise Unsound(problems)
        rules = {**self.rules, **_normalised(self.groups, rows)}
        return self.model_copy(update={"rules": MappingProxyType(rules)})

    def phrases(self) -> tuple[str, ...]:
        """All Q phrases, group by group and option by option: the columns of a scorer."""
        return tuple(phrase for group in self.groups for phrase in group.phrases())


class Fitted(Value):
    """Which parts of a scoring were fitted, by which encoder's fingerprint, on how many images."""

    parts: tuple[Literal["scale", "means", "weights", "name_prior"], ...]
    encoder: str
    images: Annotated[int, Field(ge=1)]


# Rules that need no images, and those of which a part is fitted on some, by name.
PlainRule = Literal["sum", "log", "robust-log"]
FittedRule = Literal["fitted-scale", "centred", "weighted", "name-prior"]


class Scoring(Value):
    """How cosines become class scores.

    rule: sum is the article's, the softmax probabilities of a class's options are added up; log
    adds log p, robust-log log(0.9 p + 0.1/K), which no single group can spoil.
    scale: what cosines are multiplied by before the softmax; None is the encoder's own.
    means: what is subtracted from the cosines of each text first (its mean cosine over unlabelled
    images); None for nothing. Empty in a session, which takes them on its review images.
    weights: of what each group adds, by its prompt, which is what the encoder is asked, whatever
    the group is called; 1 where there is none. Groups with the same prompt share it.
    name_prior: the weight of one more group, whose options are the class names; 0 for none.
    """

    rule: PlainRule = "sum"
    # Far above any logit scale; beyond it single precision runs out.
    scale: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = None
    means: Mapping[str, Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]] | None = None
    weights: Mapping[str, Weight] = Field(default_factory=dict)
    name_prior: Weight = 0.0
    fitted: Fitted | None = None

    def for_encoder(self, fingerprint: str) -> "Scoring":
        """The scoring for that encoder: what was fitted with another one is left out."""
        if self.fitted is None or self.fitted.encoder == fingerprint:
            return self
        plain: dict[str, object] = {p: getattr(Scoring(), p) for p in self.fitted.parts}
        return self.model_copy(update={**plain, "fitted": None})

    def of_session(self) -> "Scoring":
        """The scoring without its means, which a session takes anew for its own texts."""
        return self if self.means is None else self.model_copy(update={"means": {}})

    @model_serializer(mode="wrap")
    def _as_ever(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves out what the first journals and files didn't have, unless it is set."""
        later: dict[str, object] = {"means": None, "weights": {}, "name_prior": 0, "fitted": None}
        written: dict[str, Any] = write(self)
        return {k: v for k, v in written.items() if k not in later or v != later[k]}


def scored_texts(system: AttributeSystem, scoring: Scoring) -> tuple[str, ...]:
    """The texts to compare images with: all phrases, then the class names if they count."""
    return system.phrases() + (system.classes if scoring.name_prior else ())


def _repeated(texts: Mapping[str, str]) -> Iterator[Problem]:
    """The problems of texts (by path) that repeat an earlier one but for case and white space."""
    first: dict[str, str] = {}
    for path, text in texts.items():
        earlier = first.setdefault(folded(text), path)
        if earlier != path:
            yield Problem(path, f"{quoted(text)} repeats {quoted(texts[earlier])}")


def _rule_problems(
    groups: Sequence[AttributeGroup], rules: Mapping[str, Mapping[str, Sequence[str]]]
) -> Iterator[Problem]:
    """The problems of rules that name an unknown group or option."""
    known = {group.name: dict.fromkeys(group.options) for group in groups}
    for class_name, choices in rules.items():
        if not class_name.strip():
            yield Problem("rules", "a class name is empty")
        elif class_name != class_name.strip():
            yield Problem("rules", f"the class name {class_name!r} has blanks around it")
        for group_name, chosen in choices.items():
            # Nearly every rule of a sound system is one known option: no more to look at.
            if len(chosen) == 1 and chosen[0] in known.get(group_name, ()):
                continue
            at = f"rules{json_key(class_name)}{json_key(group_name)}"
            if group_name not in known:
                near = did_you_mean(group_name, known)
                yield Problem(at, f"there is no group {quoted(group_name)}{near}")
                continue
            for option in chosen:
                if option not in known[group_name]:
                    near = did_you_mean(option, known[group_name])
                    message = f"{quoted(option)} is not an option of {quoted(group_name)}{near}"
                    yield Problem(at, message)
            if len(set(chosen)) != len(chosen):
                yield Problem(at, "an option is named twice")


def quoted(text: str) -> str:
    """A user's text for a message: in quotes, escaped, and never a page long."""
    return repr(text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint ` (did you mean 'colour'?)` at the known name nearest to `name`, or ""."""
    if len(name) > _LONGEST_SHOWN:
        return ""
    by_key = {folded(candidate): candidate for candidate in known}
    near = get_close_matches(folded(name), by_key, n=1)
    return f" (did you mean {by_key[near[0]]!r}?)" if near else ""


def json_key(key: str) -> str:
    """A key as part of a JSON path: `.colour`, or `["Absol G"]` where a dot won't do."""
    return f".{key}" if key.isidentifier() else f"[{json.dumps(key, ensure_ascii=False)}]"


def json_kind(value: object) -> str:
    """What JSON calls the kind of a value."""
    return _KINDS.get(type(value), "an object")


def _normalised(groups: Sequence[AttributeGroup], rules: Rules) -> Rules:
    options = {group.name: group.options for group in groups}
    rows = {
        class_name: {name: _in_order(row.get(name, ()), known) for name, known in options.items()}
        for class_name, row in rules.items()
    }
    return MappingProxyType({name: MappingProxyType(row) for name, row in rows.items()})


def _in_order(chosen: Choice, options: Sequence[str]) -> Choice:
    return chosen if len(chosen) < 2 else tuple(o for o in options if o in chosen)


def make_system(
    domain: str, groups: Iterable[AttributeGroup], rules: Mapping[str, Mapping[str, Any]]
) -> AttributeSystem:
    """A system from rules whose choices may be one option, several, or None."""
    return AttributeSystem(domain=domain, groups=tuple(groups), rules=rules)
