"""A session's story as one JSON object, and what each stretch of it cost."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from builder.cli.json_values import Data, decided_data, exported_data, version_data
from builder.llm.cost import Price, Spent
from builder.llm.transcript import Exchange, read, spent_in
from builder.scoring.statistics import Change
from builder.session.confirmation import confirmed
from builder.session.state import State
from builder.session.story import Delivery, Story, Stretch
from builder.session.versions import held_out_change


def log_data(folder: Path, story: Story, costs: Sequence[Spent]) -> Data:
    """The story as JSON; `costs`: what was spent on the language model in each stretch."""
    state = story.state
    told = [
        _stretch(stretch, state, cost) for stretch, cost in zip(story.stretches, costs, strict=True)
    ]
    return {
        "session": str(folder),
        "domain": state.started.domain,
        "classes": [entry.name for entry in state.started.classes],
        "began": story.began,
        "drafted_by": story.drafted_by,
        "rounds": state.round - 1,
        "best": state.best,
        "confirmed": confirmed(state.versions),
        "versions": told[:-1],
        "since": {**told[-1], "unmeasured": story.unmeasured},
        "exports": [_delivery(delivery) for delivery in story.exports],
        "held_out_looks": state.held_out_looks,
        "final_looks": state.final_looks,
        "spent": sum(costs, Spent()).model_dump(mode="json"),
    }


def change_data(change: Change | None) -> Data | None:
    """A change as JSON: images fixed and broken, points, and the p of McNemar's exact test."""
    return {**change.as_data(), "points": change.points} if change else None


def _stretch(stretch: Stretch, state: State, cost: Spent) -> Data:
    version, previous = stretch.version, stretch.previous
    measured: Data = {}
    if version is not None:
        change = held_out_change(previous, version) if previous else None
        measured = {
            **version_data(version, state),
            "at": stretch.at,
            "rounds": stretch.rounds,
            "change": change_data(change),
        }
    return {
        **measured,
        "back_to": stretch.back_to,
        "accepted": [decided_data(each.decided, each.before) for each in stretch.accepted],
        "taken_back": [proposal.model_dump(mode="json") for proposal in stretch.taken_back],
        "rejected": [decided_data(each, None) for each in stretch.rejected],
        "skipped": stretch.skipped,
        "notes": list(stretch.notes),
        "locked": [lock.model_dump() for lock in stretch.locked],
        "unlocked": [lock.model_dump() for lock in stretch.unlocked],
        "optimised": [run.model_dump(exclude={"kind"}) for run in stretch.optimised],
        "spent": cost.model_dump(mode="json"),
    }


def _delivery(delivery: Delivery) -> Data:
    return {"at": delivery.at, **exported_data(delivery.record), "new_look": delivery.looked}


def spent_per_stretch(
    transcript: Path, stretches: Sequence[Stretch], price: Price | None
) -> list[Spent]:
    """What was spent on the model in each stretch. Raises InputError for a broken transcript."""
    exchanges: list[list[Exchange]] = [[] for _ in stretches]
    ends = [_moment(stretch.at) for stretch in stretches]
    for exchange in read(transcript).exchanges if transcript.exists() else ():
        at = _moment(exchange.time)
        place = next((i for i, end in enumerate(ends) if end and at and at <= end), -1)
        exchanges[place].append(exchange)
    return [spent_in(found, price) for found in exchanges]


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
