"""GEPA: a language model rewrites one text of a system at a time.

The search itself is the package gepa's (Agrawal et al., "GEPA: Reflective Prompt Evolution Can
Outperform Reinforcement Learning", 2025, arXiv:2507.19457): which of the candidates so far is
changed next is drawn from those that are the best on some review image, and two of one descent are
merged. Here is what it needs to know of systems. gepa is imported nowhere else, and asks, writes
and prints nothing by itself.

A system evolves group by group; what is locked in it stays as it is. A text is a group in JSON,
with its part of every rule; an empty one stands for no group. There is one more of these than there
are groups, so that a group can be added by writing it.

    {"name": "colour", "prompt": "It is {}.", "options": ["red", "blue"],
     "rules": {"Ant": "red", "Bee": null}}
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from itertools import cycle, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builder.edits.diff import diff
from builder.edits.locks import lock_words, touched
from builder.edits.model import Proposal, Source
from builder.errors import InputError
from builder.proposals.requests import Rewriting
from builder.search.task import Candidate, Task, Tried
from builder.system.json_format import system_to_json
from builder.system.model import AttributeSystem, Problem, Unsound, did_you_mean, quoted
from builder.system.strict_json import object_problems, read_json, read_model

_OLDEST = (0, 1)
# How many useless answers the model is told of.
_MOST_TOLD = 5
# The reasons given for a better system that no answer led to.
_MERGED = "two systems of the evolution in one"
_BEGUN = "where the evolution began"
_KEYS = ("name", "prompt", "options", "rules")
# More mistakes than a reader mends at once.
_MOST_PROBLEMS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A candidate's right review images [n], with its system, or the `problem` why it has none."""

    right: NDArray[np.bool_]
    system: AttributeSystem | None
    problem: str = ""

    @property
    def correct(self) -> int:
        return int(np.count_nonzero(self.right))


@dataclass(frozen=True, slots=True)
class Parent:
    """A system, the text to rewrite, and why answers so far were no use."""

    system: AttributeSystem
    text: str
    no_use: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A proposal on the last candidate whose system has only `correct` review images right."""

    proposal: Proposal
    correct: int
    tried: Tried


@dataclass(frozen=True, slots=True)
class Unusable:
    """An answer that makes no system, or changes what is locked; no image counts as right."""

    why: str
    tried: Tried


@dataclass(frozen=True, slots=True)
class Unchanged:
    """An answer that changes nothing."""

    why: str
    tried: Tried


Found = Candidate | Rejected | Unusable | Unchanged


def unusable(task: Task, problem: str) -> Judged:
    return Judged(np.zeros(len(task.review.labels), dtype=np.bool_), None, problem)


def require_gepa() -> None:
    """Raises InputError where the gepa package is missing or too old."""
    hint = "get it with: pip install 'cotbuild[gepa]'"
    try:
        # What stands in the way of importing it is found before anything is paid for.
        import gepa  # noqa: F401
    except ImportError as error:
        raise InputError("the optimiser gepa is a package that is not here", hint=hint) from error
    version = metadata.version("gepa")
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < _OLDEST:
        raise InputError(f"gepa {version} is too old", hint=hint)


def evolve(
    task: Task,
    write: Callable[[Parent], Rewriting],
    tell: Callable[[Found], None],
    *,
    stop: Callable[[], bool],
    seed: int,
    turn: int = 0,
) -> None:
    """Asks `write` for texts and tells how each answer fared, until `stop()` or all are right.

    `turn`: how many texts were written before. The same seed and answers give the same run. Raises
    what `write` and `tell` raise.
    """
    import gepa

    images = range(len(task.review.labels))
    start, open_texts = components_of(task.start), turns(task)
    evolution = _Evolution(task, write, tell)
    texts = islice(cycle(open_texts), turn % len(open_texts), None)
    gepa.optimize(
        start,
        list(images),
        adapter=evolution,
        # Scoring is nearly free: every candidate is measured on all images.
        reflection_minibatch_size=len(images),
        module_selector=lambda *_: [next(texts)],
        # A merge needs no call to the model.
        use_merge=len(start) > 1,
        max_merge_invocations=len(images),
        stop_callbacks=lambda _: stop() or evolution.over,
        track_best_outputs=False,
        logger=_Silent(),
        seed=seed,
    )
    if evolution.failure is not None:
        raise evolution.failure


class _Evolution:
    """The adapter for gepa; candidates are texts, examples are numbers of images."""

    def __init__(
        self,
        task: Task,
        write: Callable[[Parent], Rewriting],
        tell: Callable[[Found], None],
    ) -> None:
        self._task = task
        self._write = write
        self._tell = tell
        self._known: dict[tuple[str, ...], Judged] = {}
        self._answer: Rewriting | None = None
        self._answers = 0
        self._no_use: list[str] = []
        self._best = task.start
        self._correct = task.review.right(task.start)
        self.failure: Exception | None = None

    @property
    def over(self) -> bool:
        """Whether there is nothing left to do."""
        return self.failure is not None or self._correct == len(self._task.review.labels)

    def evaluate(
        self, batch: Sequence[int], candidate: Mapping[str, str], capture_traces: bool = False
    ) -> Any:
        """Scores the candidate on these images: 1 for each that it has right, else 0."""
        from gepa import EvaluationBatch

        answer, self._answer = self._answer, None
        key = tuple(candidate.values())
        repeated = key in self._known
        if answer is not None and answer.problem:
            judged = unusable(self._task, answer.problem)
        else:
            judged = self._known[key] if repeated else judge(self._task, candidate)
            self._known[key] = judged
        if answer is not None:
            # Of what is evaluated, the first after an answer is what it led to.
            self._weigh(judged, answer, repeated=repeated)
        elif judged.system is not None and judged.correct > self._correct:
            reason = _MERGED if len(self._known) > 1 else _BEGUN
            self._found(judged.system, judged.correct, reason, "data")
        scores = [float(judged.right[image]) for image in batch]
        traces = [judged] * len(batch) if capture_traces else None
        return EvaluationBatch(outputs=scores, scores=scores, trajectories=traces)

    def make_reflective_dataset(
        self, candidate: Mapping[str, str], evaluated: Any, components: Sequence[str]
    ) -> dict[str, list[dict[str, Any]]]:
        """Gives `write` the parent, from which it words what is wrong."""
        (name,) = components
        system = evaluated.trajectories[0].system
        told = tuple(dict.fromkeys(self._no_use))[-_MOST_TOLD:]
        return {name: [{"parent": Parent(system, candidate[name], told)}]}

    def propose_new_texts(
        self,
        candidate: Mapping[str, str],  # noqa: ARG002 - gepa's
        dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components: Sequence[str],
    ) -> dict[str, str]:
        if self.failure is not None:
            return {}
        (name,) = components
        try:
            self._answer = self._write(dataset[name][0]["parent"])
        except Exception as error:  # noqa: BLE001 - gepa would pass over it and ask again
            self.failure = error
            return {}
        return {name: self._answer.text}

    def _weigh(self, judged: Judged, answer: Rewriting, *, repeated: bool) -> None:
        self._answers += 1
        system = judged.system
        if system is None:
            self._no_use.append(judged.problem)
            self._tell(Unusable(judged.problem, self._tried))
            return
        edits = diff(self._best, system)
        if repeated or not edits:
            why = "it changes nothing" if not edits else "it is the same as one before"
            self._no_use.append(why)
            self._tell(Unchanged(why, self._tried))
        elif judged.correct > self._correct:
            self._found(system, judged.correct, answer.reason, "llm")
        else:
            proposal = Proposal(edits=edits, source="llm", reason=answer.reason)
            self._tell(Rejected(proposal, judged.correct, self._tried))

    def _found(self, system: AttributeSystem, correct: int, reason: str, source: Source) -> None:
        """Tells a new best candidate, on top of the last one."""
        proposal = Proposal(edits=diff(self._best, system), source=source, reason=reason)
        self._best, self._correct = system, correct
        self._tell(Candidate(proposal, self._tried))

    @property
    def _tried(self) -> Tried:
        return Tried(self._answers, self._correct)


class _Silent:
    def log(self, message: str) -> None:
        """Drops what gepa would print."""


def turns(task: Task) -> Sequence[str]:
    """The components to take turns, not locked; the one for a new group included."""
    locked = {lock.group for lock in task.locked if lock.class_name is None}
    names = [*(group.name for group in task.start.groups), None]
    texts = components_of(task.start)
    return [key for key, name in zip(texts, names, strict=True) if name not in locked]


def judge(task: Task, texts: Mapping[str, str]) -> Judged:
    """What the components are worth as a system."""
    start = task.start
    try:
        system = system_of(start.domain, start.classes, texts)
    except ComponentError as error:
        return unusable(task, error.message)
    if broken := touched(task.locked, start, system):
        return unusable(task, f"locked: {', '.join(map(lock_words, broken))}")
    return Judged(task.review.score(system).correct, system)


class ComponentError(InputError):
    """The texts make no system; the message names what is wrong with them."""


def components_of(system: AttributeSystem) -> dict[str, str]:
    """The texts "group 1", "group 2", ... of the system's groups in order, then an empty one."""
    value = system_to_json(system)
    texts = []
    for group in value["groups"]:
        part = {name: choices[group["name"]] for name, choices in value["rules"].items()}
        texts.append(json.dumps({**group, "rules": part}, ensure_ascii=False))
    return {f"group {number}": text for number, text in enumerate([*texts, ""], start=1)}


def group_in(text: str) -> dict[str, Any] | None:
    """The JSON in a sound component; None in an empty one."""
    value: dict[str, Any] | None = json.loads(text) if text else None
    return value


def system_of(
    domain: str, classes: Sequence[str], components: Mapping[str, str]
) -> AttributeSystem:
    """The system of these classes from the texts. Raises ComponentError.

    A class that a text does not name has no option in its group.
    """
    values = {key: _value(key, text) for key, text in components.items() if text.strip()}
    problems = [p for key, value in values.items() for p in _part_problems(key, value, classes)]
    if problems:
        raise _refusal(problems)
    whole = {
        "domain": domain,
        "groups": [{k: v for k, v in value.items() if k != "rules"} for value in values.values()],
        "rules": {
            name: {str(v["name"]): v["rules"][name] for v in values.values() if name in v["rules"]}
            for name in classes
        },
    }
    try:
        return read_model(AttributeSystem, whole)
    except Unsound as error:
        raise _refusal(error.problems) from error


def _value(key: str, text: str) -> Any:
    reading = read_json(text)
    if not reading.usable or reading.problems:
        raise ComponentError(f"{key} is no group in JSON: {quoted(text)}")
    return reading.value


def _part_problems(key: str, value: Any, classes: Sequence[str]) -> Iterator[Problem]:
    yield from object_problems(value, key, _KEYS)
    rules = value.get("rules") if isinstance(value, dict) else {}
    if not isinstance(rules, dict):
        yield Problem(f"{key}.rules", "the rules must be an object: class name -> option")
        return
    known = frozenset(classes)
    for name in rules:
        if name not in known:
            yield Problem(f"{key}.rules", f"no class {quoted(name)}{did_you_mean(name, classes)}")


def _refusal(problems: Iterable[Problem]) -> ComponentError:
    told = [*map(str, problems)]
    more = f"; and {len(told) - _MOST_PROBLEMS} more" if len(told) > _MOST_PROBLEMS else ""
    return ComponentError("; ".join(told[:_MOST_PROBLEMS]) + more)
