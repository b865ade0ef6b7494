"""When a session should stop: nothing gets better any more, or nothing is left to do."""

from dataclasses import dataclass

from builder.state import State, needs_measuring


@dataclass(frozen=True, slots=True)
class Limit:
    """When to stop: after `last_round`, or after `patience` rounds without a new best.

    Rounds before `first_round`, with which this run began, don't count.
    """

    patience: int
    first_round: int = 1
    last_round: int | None = None


def limit_from(state: State, rounds: int | None) -> Limit:
    """The limit of a run that begins here: `rounds` more, and all of its patience."""
    last = None if rounds is None else state.round - 1 + rounds
    return Limit(state.started.patience, state.round, last)


def stop_reason(state: State, limit: Limit) -> str | None:
    """Why a session should stop now, in words; None: go on.

    Without measured versions there is nothing that could stop improving.
    """
    if limit.last_round is not None and state.round > limit.last_round:
        return f"round {limit.last_round} was the last one asked for"
    if not state.versions:
        return None
    idle = min(state.idle, state.round - limit.first_round)
    if idle >= limit.patience:
        return f"no new best on held-out images for {idle} rounds"
    if state.proposed and state.offered == 0 and not needs_measuring(state):
        return "nothing is left to propose"
    return None
