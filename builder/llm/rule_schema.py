"""Rules of a batch of classes: a schema that leaves nothing out, and how answers to it are read.

    {"rules": {"c01": {"color": "white", "form": "a wolf"}, "c02": {...}}}

A model can leave an entry of a list out, but not a required property: each class has one, under a
key that every host takes, and in it one for each group. Read is more than that: names of classes in
place of keys, rules without the "rules" around them, and the list of {"class_name", ...} that was
asked for in former versions.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, create_model, model_validator

from builder.llm.schemas import Checked, Reply, TolerantModel, split_broken
from builder.llm.strict_schemas import fits, object_of, sayable
from builder.system.model import AttributeGroup
from builder.system.names import likeness, unambiguous

# 8 groups x 25 classes fill about 2,000 output tokens, half of the smallest limits in use.
BATCH = 25
_TEXT = {"type": "string"}


class DraftedRule(TolerantModel):
    """The rule of one class: `class_name`, and `option_<i>` for the i-th group."""

    class_name: str

    def choices(self, groups: Sequence[AttributeGroup]) -> dict[str, str]:
        """The chosen option by the name of its group."""
        return {group.name: getattr(self, _field(index)) for index, group in enumerate(groups)}


class RulesReply(Reply):
    """`asked`: the classes; `groups`: those of their rules."""

    rules: Checked[DraftedRule]

    asked: ClassVar[tuple[str, ...]] = ()
    groups: ClassVar[tuple[AttributeGroup, ...]] = ()
    # Key -> class, and how a group may be called -> its property.
    keys: ClassVar[Mapping[str, str]] = {}
    properties: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _listed(cls, reply: object) -> object:
        """The reply with a list of rules, in whichever form they came."""
        if not isinstance(reply, dict):
            return reply
        if "rules" not in reply and any(name in cls.asked for name in map(cls.class_of, reply)):
            reply = {"rules": reply}
        rules = reply.get("rules")
        if isinstance(rules, dict):
            rules = [_of_class(name, rule) for name, rule in rules.items()]
        return {**reply, "rules": [*map(cls._named, rules)]} if isinstance(rules, list) else reply

    @classmethod
    def class_of(cls, name: str) -> str:
        """The class that a key stands for; any other name as it is."""
        return cls.keys.get(likeness(name), name)

    @classmethod
    def _named(cls, rule: object) -> object:
        """The rule with its class by its name, and its groups by their properties."""
        if not isinstance(rule, dict):
            return rule
        known = cls.properties
        named = {known.get(key, known.get(loosely(key), key)): rule[key] for key in rule}
        if isinstance(name := named.get("class_name"), str):
            named["class_name"] = cls.class_of(name)
        return named

    @property
    def finished(self) -> bool:
        return set(self.asked) == {rule.class_name for rule in split_broken(self.rules)[0]}


def rules_reply(classes: Sequence[str], groups: Sequence[AttributeGroup]) -> type[RulesReply]:
    """The reply model for the rules of exactly these classes, options given by their text."""
    fields: dict[str, Any] = {"class_name": (Literal[tuple(classes)], ...)}
    for index, (group, key) in enumerate(zip(groups, property_names(groups), strict=True)):
        spelt = BeforeValidator(_speller(group.options))
        option: Any = Annotated[Literal[tuple(group.options)], spelt]
        fields[_field(index)] = (option, Field(alias=key))
    rule = create_model("DraftedRule", __base__=DraftedRule, **fields)
    rules: Any = Checked[rule]  # type: ignore[valid-type]
    reply = create_model("RulesReply", __base__=RulesReply, rules=(rules, ...))
    reply.asked, reply.groups = tuple(classes), tuple(groups)
    reply.keys, reply.properties = keyed(classes), _spellings(groups)
    reply.asked_by = rules_schema(classes, groups)
    return reply


def rules_schema(classes: Sequence[str], groups: Sequence[AttributeGroup]) -> dict[str, Any]:
    """What a complete answer must be: an option for every class in every group."""
    options = _options(groups)
    names = dict(zip(property_names(groups), options, strict=True))
    refs = {key: {"$ref": f"#/$defs/{name}"} for key, name in names.items()}
    rules = {key: object_of(refs) | {"description": name} for key, name in keyed(classes).items()}
    return {"title": "RulesReply", "$defs": options, **object_of({"rules": object_of(rules)})}


def classes_in(schema: Mapping[str, Any]) -> list[str]:
    """The classes whose rules a schema asks for, also one of former versions; none of any other."""
    rules = schema.get("properties", {}).get("rules", {}).get("properties", {})
    listed = schema.get("$defs", {}).get("DraftedRule", {}).get("properties", {})
    former = listed.get("class_name", {})
    return [
        *(rule["description"] for rule in rules.values()),
        *former.get("enum", [former["const"]] if "const" in former else []),
    ]


def largest_batch(groups: Sequence[AttributeGroup], most: int = BATCH) -> int:
    """How many classes can be asked for at once: `most`, or as many as strict modes take."""
    sizes = (size for size in range(most, 1, -1) if fits(rules_schema([""] * size, groups)))
    return next(sizes, 1)


def keyed(classes: Sequence[str]) -> dict[str, str]:
    """Key -> class: c01, c02, ...; none of them is like the name of a class."""
    digits = max(2, len(str(len(classes))))
    names = set(map(likeness, classes))
    for letters in map("c".__mul__, count(1)):
        keys = [f"{letters}{number:0{digits}}" for number in range(1, len(classes) + 1)]
        if names.isdisjoint(keys):
            return dict(zip(keys, classes, strict=True))
    raise AssertionError


def property_names(groups: Sequence[AttributeGroup]) -> tuple[str, ...]:
    """One JSON property per group: its name where endpoints take it, else a safe spelling of it."""
    names: list[str] = []
    for number, group in enumerate(groups, start=1):
        name = re.sub(r"[^A-Za-z0-9_]+", "_", group.name).strip("_")[:50]
        if not name or name in {"class_name", *names}:
            name = f"group_{number}_{name}".rstrip("_")
        while name in names:
            name += "_"
        names.append(name)
    return tuple(names)


def sound_choices(rule: object, groups: Sequence[AttributeGroup]) -> dict[str, str]:
    """What can be used of a broken rule: group -> option."""
    given = _as_dict(rule)
    spelt = {
        group.name: _speller(group.options)(given.get(key))
        for group, key in zip(groups, property_names(groups), strict=True)
    }
    return {g.name: str(spelt[g.name]) for g in groups if spelt[g.name] in g.options}


def _options(groups: Sequence[AttributeGroup]) -> dict[str, dict[str, Any]]:
    """Each group's options, defined under a name; free text for those that can be no enum.

    Where all are more than fits that are the longest.
    """
    # By no name of a group alone: "space" and "string" are rules in llama.cpp's grammars.
    named = {f"{key}_options": g for key, g in zip(property_names(groups), groups, strict=True)}
    defined: dict[str, dict[str, Any]] = {
        name: {**_TEXT, "enum": list(group.options)} if sayable(group.options) else _TEXT
        for name, group in named.items()
    }
    for name in sorted(named, key=lambda name: -len(named[name].options)):
        if fits({"$defs": defined, **object_of(dict.fromkeys(named, _TEXT))}):
            break
        defined[name] = _TEXT
    return defined


def _field(index: int) -> str:
    # A group may be named like a method of pydantic's models ("copy"), so names are aliases.
    return f"option_{index}"


def _of_class(name: str, rule: object) -> dict[str, Any]:
    """The rule with the class that it is for in front, where a message begins."""
    return {"class_name": name, **_as_dict(rule)} | {"class_name": name}


def _as_dict(rule: object) -> dict[str, Any]:
    """The rule if it is an object, else an object that says what was sent for one."""
    return rule if isinstance(rule, dict) else {"rule": rule}


def _spellings(groups: Sequence[AttributeGroup]) -> dict[str, str]:
    """How a group may be called -> its property; the properties themselves come before all else."""
    keys = property_names(groups)
    loose: dict[str, set[str]] = {"classname": {"class_name"}}
    for group, key in zip(groups, keys, strict=True):
        for name in {loosely(group.name), loosely(key)}:
            loose.setdefault(name, set()).add(key)
    meant = {name: next(iter(found)) for name, found in loose.items() if len(found) == 1}
    return {**meant, **{key: key for key in (*keys, "class_name")}}


def loosely(name: str) -> str:
    """A name's likeness; a group may be named as a property, with lines in place of blanks."""
    return likeness(name).replace("_", "")


def _speller(options: Sequence[str]) -> Callable[[object], object]:
    spelling = unambiguous(options)

    def respell(value: object) -> object:
        """The option as it is written in the system, where the spelling alone differs."""
        if not isinstance(value, str) or value in options:
            return value
        return spelling.get(likeness(value), value)

    return respell
