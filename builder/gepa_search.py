"""GEPA: a language model writes one group of a system anew at a time, and what helps is kept.

The search itself is the package gepa's (Agrawal et al., "GEPA: Reflective Prompt Evolution Can
Outperform Reinforcement Learning", 2025, arXiv:2507.19457): which of the systems so far is changed
next is drawn from those that are the best on some review image. Here is what it needs to know of
systems. gepa is imported nowhere else, and asks, writes and prints nothing by itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builder.components import ComponentError, components_of, group_in, system_of
from builder.differing import diff
from builder.edits import Proposal
from builder.errors import InputError
from builder.locking import lock_words, touched
from builder.optimising import Candidate, Task, Tried
from builder.requests import Rewriting
from builder.system import AttributeSystem

_OLDEST = (0, 1)
# Of the answers that were no use, so many are told to the model.
_MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class Parent:
    """A system, which group of it is to be written anew, and why the latest answers were no use.

    `group`: in JSON, see `builder.components`; None to write another one.
    """

    system: AttributeSystem
    group: Mapping[str, Any] | None
    no_use: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A proposal on top of the last candidate that has no more review images right."""

    proposal: Proposal
    tried: Tried


@dataclass(frozen=True, slots=True)
class Unusable:
    """An answer that is no system, or changes what is locked: no image counts as right."""

    why: str
    tried: Tried


@dataclass(frozen=True, slots=True)
class Idle:
    """An answer that leads to what was there before."""

    why: str
    tried: Tried


Found = Candidate | Rejected | Unusable | Idle


def require_gepa() -> None:
    """Raises InputError where the package is not there, or too old."""
    hint = "get it with: pip install 'cotbuild[gepa]'"
    try:
        # What stands in the way of importing it is found before anything is paid for.
        import gepa  # noqa: F401
    except ImportError as error:
        raise InputError("the optimiser gepa is a package that is not here", hint=hint) from error
    version = metadata.version("gepa")
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        raise InputError(f"gepa {version} is too old", hint=hint)


def evolve(
    task: Task,
    write: Callable[[Parent], Rewriting],
    tell: Callable[[Found], None],
    *,
    stop: Callable[[], bool],
    seed: int,
) -> None:
    """Asks `write` for groups and tells how each answer fared, until `stop()`, or all is right.

    The same seed and answers give the same run. Raises what `write` and `tell` raise.
    """
    import gepa

    images = range(len(task.review.labels))
    evolution = _Evolution(task, write, tell)
    groups = cycle(_open_groups(task))
    gepa.optimize(
        components_of(task.start),
        list(images),
        adapter=evolution,
        # Scoring is nearly free: every candidate is measured on all images.
        reflection_minibatch_size=len(images),
        module_selector=lambda *_: [next(groups)],
        stop_callbacks=lambda _: stop() or evolution.over,
        track_best_outputs=False,
        logger=_Silent(),
        seed=seed,
    )
    if evolution.failure is not None:
        raise evolution.failure


def _open_groups(task: Task) -> list[str]:
    """The components that no lock closes."""
    locked = {lock.group for lock in task.locked if lock.class_name is None}
    names = [*(group.name for group in task.start.groups), None]
    return [
        key
        for key, name in zip(components_of(task.start), names, strict=True)
        if name not in locked
    ]


class _Silent:
    def log(self, message: str) -> None:
        """What gepa would print."""


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """The review images that a candidate has right [n]; no `system`: a `problem`, and none."""

    right: NDArray[np.bool_]
    system: AttributeSystem | None
    problem: str = ""

    @property
    def correct(self) -> int:
        return int(np.count_nonzero(self.right))


class _Evolution:
    """What gepa calls an adapter. Candidates are components; examples are numbers of images."""

    def __init__(
        self, task: Task, write: Callable[[Parent], Rewriting], tell: Callable[[Found], None]
    ) -> None:
        self._task = task
        self._write = write
        self._tell = tell
        self._known: dict[tuple[str, ...], _Judged] = {}
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
        """1 for each of these images that the candidate has right, else 0."""
        from gepa import EvaluationBatch

        key = tuple(candidate.values())
        repeated = key in self._known
        judged = self._known[key] if repeated else self._judged(candidate)
        self._known[key] = judged
        # Of what is evaluated, the first after an answer is what it led to.
        if self._answer is not None:
            answer, self._answer = self._answer, None
            self._weigh(judged, answer, repeated=repeated)
        scores = [float(judged.right[image]) for image in batch]
        traces = [judged] * len(batch) if capture_traces else None
        return EvaluationBatch(outputs=scores, scores=scores, trajectories=traces)

    def make_reflective_dataset(
        self, candidate: Mapping[str, str], evaluated: Any, components: Sequence[str]
    ) -> dict[str, list[dict[str, Any]]]:
        """The parent; `write` puts what is wrong with it into words."""
        (name,) = components
        system = evaluated.trajectories[0].system
        return {name: [{"parent": Parent(system, group_in(candidate[name]), self._told)}]}

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

    @property
    def _told(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._no_use))[-_MOST_TOLD:]

    def _judged(self, candidate: Mapping[str, str]) -> _Judged:
        start, review = self._task.start, self._task.review
        none = np.zeros(len(review.labels), dtype=np.bool_)
        try:
            system = system_of(start.domain, start.classes, candidate)
        except ComponentError as error:
            return _Judged(none, None, error.message)
        if broken := touched(self._task.locked, start, system):
            return _Judged(none, None, f"locked: {', '.join(map(lock_words, broken))}")
        return _Judged(review.score(system).correct, system)

    def _weigh(self, judged: _Judged, answer: Rewriting, *, repeated: bool) -> None:
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
            self._tell(Idle(why, self._tried))
            return
        proposal = Proposal(edits=edits, source="llm", reason=answer.reason)
        if judged.correct <= self._correct:
            self._tell(Rejected(proposal, self._tried))
            return
        self._best, self._correct = system, judged.correct
        self._tell(Candidate(proposal, self._tried))

    @property
    def _tried(self) -> Tried:
        return Tried(self._answers, self._correct)
