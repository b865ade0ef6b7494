"""Rules for classes, asked for in batches until every class has one that is sound.

Only what is missing or invalid is asked again, with what was wrong. A truncated answer halves the
batch. What is missing in the end is left out: it costs its class a rule, never the draft. Nothing
here knows how an answer is got.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from operator import or_

from builder.llm import rule_schema
from builder.llm.asking import Asking
from builder.llm.events import DraftProgress, Respelled
from builder.llm.prompts import Described, as_data, described_classes
from builder.llm.rule_schema import DraftedRule, RulesReply
from builder.llm.schemas import Broken, split_broken
from builder.llm.transport import Transport, TruncatedAnswer, UnusableAnswer
from builder.system.model import AttributeGroup
from builder.system.names import likeness, unambiguous

# How often what is missing or invalid is asked for again.
EXTRA_ROUNDS = 2
ClassRules = dict[str, dict[str, str]]  # class -> group -> option


@dataclass(frozen=True, slots=True)
class Subject:
    """What rules are asked about. `names`: all classes there are, not only those asked about."""

    domain: str
    groups: tuple[AttributeGroup, ...]
    names: tuple[str, ...]
    context: str = ""


@dataclass(frozen=True, slots=True)
class DraftedRules:
    """The `rules` that came; `wanting`: why a class has none, or has no option in some group."""

    rules: ClassRules = field(default_factory=dict)
    wanting: dict[str, str] = field(default_factory=dict)

    def __or__(self, other: "DraftedRules") -> "DraftedRules":
        return DraftedRules(self.rules | other.rules, self.wanting | other.wanting)

    def of(self, names: Sequence[str]) -> "DraftedRules":
        """The part about these classes."""
        return DraftedRules(
            {name: self.rules[name] for name in names if name in self.rules},
            {name: self.wanting[name] for name in names if name in self.wanting},
        )


_NOTHING = DraftedRules()


def draft_rules(
    subject: Subject, classes: Sequence[Described], purpose: str, asking: Asking
) -> DraftedRules:
    """A rule with one option per group for every one of `classes`, several batches in flight.

    Raises LLMError where no answer comes; one that can't be used leaves its classes wanting.
    """
    batches = in_batches(classes, subject.groups)
    known = unambiguous(subject.names)
    done, lock = 0, threading.Lock()

    def count(more: int) -> None:
        nonlocal done
        with lock:
            done += more
            asking.emit(DraftProgress(done, len(classes)))

    def job(number: int, batch: Sequence[Described], transport: Transport) -> DraftedRules:
        draft = _RulesDraft(subject, replace(asking, transport=transport), count, known)
        return draft.draft(batch, f"{purpose} {number}/{len(batches)}")

    jobs = [partial(job, number, batch) for number, batch in enumerate(batches, start=1)]
    return reduce(or_, asking.parallel.run(asking.transport, jobs), _NOTHING)


def in_batches(
    classes: Sequence[Described], groups: Sequence[AttributeGroup]
) -> list[Sequence[Described]]:
    """The classes, as many at a time as can be asked for at once."""
    size = rule_schema.largest_batch(groups)
    return [classes[i : i + size] for i in range(0, len(classes), size)]


def listed_classes(classes: Sequence[Described]) -> str:
    """Classes as data, one a line, each with its key in the answer."""
    return described_classes(classes, list(rule_schema.keyed([name for name, _ in classes])))


@dataclass(frozen=True, slots=True)
class _RulesDraft:
    """Asks for the rules of classes until every one has a sound rule, or was asked for enough.

    `known`: likeness -> class name, of the names that no other resembles. `count`: told how many
    more classes have their rule.
    """

    subject: Subject
    asking: Asking
    count: Callable[[int], None]
    known: Mapping[str, str] = field(repr=False)

    def draft(
        self,
        classes: Sequence[Described],
        purpose: str,
        before: DraftedRules = _NOTHING,
        extra_rounds: int = EXTRA_ROUNDS,
    ) -> DraftedRules:
        """The rules of the classes. `before`: what came of them so far, where they are asked again.

        Of a class that is asked again the options that were sound count until there are others.
        """
        names = [name for name, _ in classes]
        before = before.of(names)
        reply_model = rule_schema.rules_reply(names, self.subject.groups)
        try:
            reply = self.asking.ask(
                f"{purpose} again" if before.wanting else purpose,
                self._question(classes, before.wanting),
                reply_model,
            )
        except UnusableAnswer as error:
            if not isinstance(error, TruncatedAnswer) or len(classes) == 1:
                return before | DraftedRules(wanting=dict.fromkeys(names, error.message))
            middle = len(classes) // 2
            first, second = (
                self.draft(half, f"{purpose} half", before, extra_rounds)
                for half in (classes[:middle], classes[middle:])
            )
            return first | second
        found, broken = self._rules_in(reply, reply_model)
        self.asking.drop("rule", [item.told for item in broken])
        rules = {name: before.rules.get(name, {}) | found.get(name, {}) for name in names}
        wrong = {
            name: "no rule was given"
            for name, options in rules.items()
            if len(options) < len(self.subject.groups)
        }
        wrong |= {_class_of(item): item.problem for item in broken if _class_of(item) in wrong}
        if done := len(names) - len(wrong):
            self.count(done)
        drafted = DraftedRules(rules, wrong)
        if not wrong or extra_rounds == 0:
            return drafted
        missing = [entry for entry in classes if entry[0] in wrong]
        whole = drafted.of([name for name in names if name not in wrong])
        return whole | self.draft(missing, purpose, drafted, extra_rounds - 1)

    def _rules_in(
        self, reply: RulesReply, reply_model: type[RulesReply]
    ) -> tuple[ClassRules, list[Broken]]:
        """What can be used of a reply, the first sound rule of each class; and what is broken."""
        sound, broken = split_broken(reply.rules)
        rules = {rule.class_name: rule for rule in reversed(sound)}
        left: list[Broken] = []
        for item in broken:
            respelled = self._respelled(item, reply_model)
            if isinstance(respelled, Broken):
                left.append(respelled)
            elif respelled.class_name not in rules:
                self.asking.emit(Respelled(_class_of(item), respelled.class_name))
                rules[respelled.class_name] = respelled
        groups = self.subject.groups
        in_part = {_class_of(item): rule_schema.sound_choices(item.sent, groups) for item in left}
        return in_part | {name: rule.choices(groups) for name, rule in rules.items()}, left

    def _respelled(self, item: Broken, reply_model: type[RulesReply]) -> DraftedRule | Broken:
        """The rule if its class name alone was wrong, and it is clear which class was meant."""
        sent, meant = item.sent, self.known.get(likeness(_class_of(item)))
        if not isinstance(sent, dict) or meant is None:
            return item
        (again,) = reply_model.model_validate({"rules": [{**sent, "class_name": meant}]}).rules
        return again

    def _question(self, classes: Sequence[Described], problems: Mapping[str, str]) -> str:
        prompts = self.asking.prompts
        question = prompts.question(
            "rules",
            self.subject.context,
            domain=self.subject.domain,
            groups=as_data([group.model_dump() for group in self.subject.groups]),
            classes=listed_classes(classes),
        )
        lines = [
            f"- {json.dumps(name, ensure_ascii=False)}: {problems[name]}"
            for name, _ in classes
            if name in problems
        ]
        return prompts.again(question, lines) if lines else question


def _class_of(item: Broken) -> str:
    """The class that a broken rule is for, "" when it does not say."""
    name = item.sent.get("class_name") if isinstance(item.sent, dict) else None
    return name if isinstance(name, str) else ""
