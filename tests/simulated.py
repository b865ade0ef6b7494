"""Sessions in numbers: versions as marks on held-out images, with a known true gain.

Each image has a chance of its own of being classified correctly. A change to the system draws the
marks of some images anew, which fixes about as many as it breaks: true accuracy stays what it was.
A true gain puts some of the wrong images right for good.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.session.confirmation import trials
from builder.session.records import Drafted, Measured
from builder.session.state import State, advance, correct_bits, fold
from tests.chance import chance
from tests.worlds import DRAFT, started

ROUNDS = 10
Correct = NDArray[np.bool_]
Chances = NDArray[np.float32]


@dataclass(frozen=True)
class Setting:
    """Held-out images, and as many to review; how many proposals the best of a round is out of.

    churn: share of the images that a null proposal draws anew. keeps_best: each round goes on from
    the version that was best on held-out images, as a person might who watches only that figure.
    """

    n: int
    gains: Sequence[float] = (0.0,) * ROUNDS
    proposals: int = 100
    churn: float = 0.1
    accuracy: float = 0.45
    keeps_best: bool = False


@dataclass(frozen=True)
class _System:
    """Chances and marks on review images, then on held-out images: [2 n]."""

    chances: Chances
    right: Correct


def session(setting: Setting, rng: np.random.Generator) -> Iterator[Correct]:
    """The held-out marks of the draft, and of the version after each round."""
    n = setting.n
    easy = 2 * setting.accuracy
    chances = rng.beta(easy, 2 - easy, 2 * n).astype(np.float32)
    best = system = _System(chances, rng.random(2 * n) < chances)
    yield system.right[n:]
    for gain in setting.gains:
        system = _improved(_best_of_null(system, setting, rng), gain, rng)
        yield system.right[n:]
        if setting.keeps_best:
            best = max(best, system, key=lambda each: int(each.right[n:].sum()))
            system = best


def _best_of_null(system: _System, setting: Setting, rng: np.random.Generator) -> _System:
    """Of so many proposals that change nothing in truth, the one that looks best on review."""
    shape = (setting.proposals, len(system.right))
    anew = rng.random(shape, np.float32) < setting.churn
    drawn = rng.random(shape, np.float32) < system.chances
    tried = np.where(anew, drawn, system.right)
    best = tried[:, : setting.n].sum(axis=1).argmax()
    return _System(system.chances, tried[best])


def _improved(system: _System, gain: float, rng: np.random.Generator) -> _System:
    if not gain:
        return system
    # Of the images that are wrong on average, so many that accuracy rises by the gain on average.
    share = gain / (1 - float(system.chances.mean()))
    mended = rng.random(len(system.right)) < share
    chances = np.where(mended, np.float32(1), system.chances).astype(np.float32)
    return _System(chances, system.right | mended)


def state_of(versions: Sequence[Correct]) -> State:
    """The fold of a journal in which these versions were measured."""
    state = fold([started(), Drafted(system=DRAFT, source="test")])
    for number, right in enumerate(versions, start=1):
        state = advance(
            state, Measured(version=number, images="x", review="", held_out=correct_bits(right))
        )
    return state


def confirmed_share(setting: Setting, sessions: int, seed: int, *, times: int = 1) -> float:
    """Of so many sessions, the share that confirms a version at least so many times."""
    rng = chance(seed)
    found = (
        sum(trial.passed for trial in trials(state_of(list(session(setting, rng))).versions))
        for _ in range(sessions)
    )
    return sum(passed >= times for passed in found) / sessions
