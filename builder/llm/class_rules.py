"""Rules for classes, asked for in batches until every class has exactly one that is sound.

Only what is missing or invalid is asked again, with what was wrong. A truncated answer halves the
batch. Nothing here knows how an answer is got.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from builder.llm.asking import Asking
from builder.llm.events import DraftProgress, LLMEvent, Respelled
from builder.llm.prompts import Described, as_data, described_classes
from builder.llm.schemas import Broken, DraftedRule, RulesReply, rules_reply, short, split_broken
from builder.llm.transport import Transport, TruncatedAnswer, UnusableAnswer
from builder.system.model import AttributeGroup
from builder.system.names import likeness, unambiguous

# 8 groups x 25 classes fill about 2,000 output tokens, half of the smallest limits in use.
BATCH = 25
# How often what is missing or invalid is asked for again.
EXTRA_ROUNDS = 2
TRY_AGAIN = "Try again, or try another model."
ClassRules = dict[str, dict[str, str]]  # class -> group -> option


@dataclass(frozen=True, slots=True)
class Subject:
    """What rules are asked about. `names`: all classes there are, not only those asked about."""

    domain: str
    groups: tuple[AttributeGroup, ...]
    names: tuple[str, ...]
    context: str = ""


def draft_rules(
    subject: Subject, classes: Sequence[Described], purpose: str, asking: Asking
) -> ClassRules:
    """A rule with one option per group for every one of `classes`, several batches in flight.

    Raises LLMError naming classes for which no usable rule came.
    """
    batches = [classes[i : i + BATCH] for i in range(0, len(classes), BATCH)]
    progress = _Progress(len(classes), asking.emit)
    known = unambiguous(subject.names)

    def job(number: int, batch: Sequence[Described]) -> Callable[[Transport], ClassRules]:
        def drafted(transport: Transport) -> ClassRules:
            draft = _RulesDraft(subject, replace(asking, transport=transport), progress, known)
            return draft.draft(batch, f"{purpose} {number}/{len(batches)}")

        return drafted

    jobs = [job(number, batch) for number, batch in enumerate(batches, start=1)]
    rules: ClassRules = {}
    for found in asking.parallel.run(asking.transport, jobs):
        rules |= found
    return rules


class _Progress:
    """Counts classes that got their rule, from several threads."""

    def __init__(self, total: int, emit: Callable[[LLMEvent], None]) -> None:
        self._total = total
        self._emit = emit
        self._done = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count
            self._emit(DraftProgress(self._done, self._total))


@dataclass(frozen=True, slots=True)
class _RulesDraft:
    """Asks for the rules of classes until every one has a sound rule.

    `known`: likeness -> class name, of the names that no other resembles.
    """

    subject: Subject
    asking: Asking
    progress: _Progress
    known: Mapping[str, str] = field(repr=False)

    def draft(
        self,
        classes: Sequence[Described],
        purpose: str,
        problems: Mapping[str, str] = MappingProxyType({}),
        extra_rounds: int = EXTRA_ROUNDS,
    ) -> ClassRules:
        """Class -> group -> option, of every class; `problems`: of the answer before, by class."""
        names = [name for name, _ in classes]
        reply_model = rules_reply(names, self.subject.groups)
        try:
            asked = self.asking.ask(
                f"{purpose} again" if problems else purpose,
                self._question(classes, problems),
                reply_model,
            )
        except TruncatedAnswer as error:
            if len(classes) == 1:
                raise UnusableAnswer(
                    f"The model's answer is cut off even for the class {names[0]!r} alone.",
                    hint="Raise the endpoint's limit on output tokens or use another model.",
                ) from error
            middle = len(classes) // 2
            return {
                **self.draft(classes[:middle], f"{purpose} half", problems, extra_rounds),
                **self.draft(classes[middle:], f"{purpose} half", problems, extra_rounds),
            }
        rules, broken = self._rules_in(asked, reply_model)
        self.asking.drop("rule", [item.told for item in broken])
        if rules:
            self.progress.add(len(rules))
        missing = [entry for entry in classes if entry[0] not in rules]
        if not missing:
            return rules
        wrong = {name: "no rule was given" for name, _ in missing}
        wrong |= {_class_of(item): item.problem for item in broken if _class_of(item) in wrong}
        if extra_rounds == 0:
            raise UnusableAnswer(
                f"The model gave no usable rule for {_listed(list(wrong))}: "
                f"{next(iter(wrong.values()))}.",
                hint=f"{TRY_AGAIN} Batches kept in the session's llm.jsonl are not paid again.",
            )
        return rules | self.draft(missing, purpose, wrong, extra_rounds - 1)

    def _rules_in(
        self, reply: RulesReply, reply_model: type[RulesReply]
    ) -> tuple[ClassRules, list[Broken]]:
        """The rules of a reply, the first for each class; and the items that are none."""
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
        return {name: rule.choices(self.subject.groups) for name, rule in rules.items()}, left

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
            classes=described_classes(classes),
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


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(repr(short(name, 80)) for name in names[:most])
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} class{'es' if len(names) > 1 else ''}: {shown}{more}"
