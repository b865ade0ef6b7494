"""Where a session stands: the working system and what led to it, versions, offers, undo."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from builder.edits import Proposal
from builder.locking import Lock
from builder.records import (
    Decided,
    Exported,
    Locked,
    Noted,
    Optimised,
    Rescored,
    Reverted,
    Started,
    Unlocked,
)
from builder.system import AttributeSystem, Scoring
from builder.system_file import SplitName


@dataclass(frozen=True, slots=True)
class Step:
    """The working system after a change, and the proposal that led to it.

    Without a proposal it is the draft, or the system of the version `back_to`. `names`: the
    original name of each class that bears another one by now -> that name.
    """

    system: AttributeSystem
    proposal: Proposal | None
    names: Mapping[str, str] = field(default_factory=dict)
    back_to: int | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A system that was measured: its number (1 is the draft) and its marks per split.

    `steps` led to it; the last holds the system. `look`: which of the session's looks at held-out
    images gave the marks, from 1.
    """

    number: int
    steps: tuple[Step, ...]
    images: str
    review: str
    held_out: str
    look: int

    @property
    def system(self) -> AttributeSystem:
        return self.steps[-1].system

    @property
    def correct(self) -> int:
        """Held-out images classified correctly."""
        return self.held_out.count("1")


# What can be undone, and done again.
Act = Decided | Noted | Locked | Unlocked | Reverted | Rescored


@dataclass(frozen=True, slots=True)
class Done:
    """An act, what there was before it, and the offers that it settled."""

    act: Act
    steps: tuple[Step, ...]
    locks: tuple[Lock, ...]
    decisions: tuple[Decided, ...]
    settled: tuple[Proposal, ...]
    rescored: Scoring | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The fold of a journal.

    `steps` led to the working system, which is in the last one. `done` is the undo stack, `undone`
    the redo stack. `offers` are the current round's proposals that are not decided, out of
    `offered`; they were made for the system `proposed_for`. `seen` are the keys of all proposals
    that were ever on offer. The decisions of this round begin at `round_began`.
    `notes` wait for the next question to the model, which has read those in `told`. `asked` counts
    the model's revisions, `idle` the finished rounds without a new best. `final` is the last export
    that looked at the final images, `final_scoring` how it scored, `final_exports` counts these
    exports and `final_looks` those of them that showed something new. `optimised`: the runs of
    optimisers. `rescored` is the scoring that was chosen in the review. `looks`: what was seen of
    held-out images, a version and what it was measured on -> how many looks there were by then.
    """

    started: Started
    splits: Mapping[str, SplitName] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    versions: tuple[Version, ...] = ()
    best: int | None = None
    round: int = 1
    idle: int = 0
    proposed: bool = False
    asked: int = 0
    asked_in_round: bool = False
    seen: frozenset[str] = frozenset()
    round_began: int = 0
    offered: int = 0
    offers: tuple[Proposal, ...] = ()
    proposed_for: Step | None = None
    decisions: tuple[Decided, ...] = ()
    locks: tuple[Lock, ...] = ()
    done: tuple[Done, ...] = ()
    undone: tuple[Act, ...] = ()
    notes: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    optimised: tuple[Optimised, ...] = ()
    final_looks: int = 0
    final_exports: int = 0
    final: Exported | None = None
    final_scoring: Scoring | None = None
    rescored: Scoring | None = None
    looks: Mapping[tuple[int, str], int] = field(default_factory=dict)

    @property
    def scoring(self) -> Scoring:
        """How systems are scored: as was chosen last, else as the session began."""
        return self.rescored or self.started.scoring

    @property
    def system(self) -> AttributeSystem | None:
        """The working system."""
        return self.steps[-1].system if self.steps else None

    @property
    def best_version(self) -> Version | None:
        return next((v for v in self.versions if v.number == self.best), None)

    @property
    def tried(self) -> int:
        """How many proposals, and changes of optimisers, were measured on review images."""
        return len(self.seen) + sum(run.measured for run in self.optimised)

    @property
    def settled(self) -> frozenset[str]:
        """Keys of what was decided in this round, and of what was rejected at any time."""
        found = set(self.rejected)
        for decided in self.decisions[self.round_began :]:
            found |= {each.key for each in (decided.proposal, decided.instead_of) if each}
        return frozenset(found)

    @property
    def held_out_looks(self) -> int:
        """Looks at held-out images: one for each version by each scoring, again on other images."""
        return max(self.looks.values(), default=0)

    @property
    def rejected(self) -> frozenset[str]:
        """Keys of the proposals that a person or the automatic reviewer rejected."""
        return frozenset(d.proposal.key for d in self.decisions if d.decision == "rejected")


def begin(started: Started) -> State:
    """The state of a session that has only been started."""
    return State(started=started)


def needs_measuring(state: State) -> bool:
    """Whether the working system is not the last version."""
    return not state.versions or state.versions[-1].system != state.system


def is_new_best(version: Version, best: Version | None) -> bool:
    """Best is the highest held-out point estimate; of equals, the earlier stays."""
    return best is None or version.correct > best.correct


def steps_between(
    before: tuple[Step, ...], after: tuple[Step, ...]
) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """What was taken back of the one history, and what was done in the other, since they part."""
    shared = 0
    for one, other in zip(before, after, strict=False):
        if (one.proposal, one.back_to) != (other.proposal, other.back_to):
            break
        shared += 1
    return before[shared:], after[shared:]


def marks(correct: NDArray[np.bool_]) -> str:
    """[n] booleans as marks."""
    return "".join("1" if value else "0" for value in correct)


def from_marks(text: str) -> NDArray[np.bool_]:
    """Marks as [n] booleans."""
    found: NDArray[np.bool_] = np.frombuffer(text.encode(), np.uint8) == ord("1")
    return found
