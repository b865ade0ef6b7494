"""What is said of a version: what it is compared with, what proved it, who proposed."""

from builder.edits.describe import SOURCES
from builder.edits.model import Proposal
from builder.scoring.wording import points, proven
from builder.session.confirmation import trial_of, trial_words
from builder.session.state import State, Version
from builder.session.story import Stretch
from builder.session.versions import held_out_change


def proof_of(version: Version, state: State) -> str:
    """Whether it was confirmed, and by what; "" where it could not be compared."""
    trial = trial_of(state.versions, version.number)
    if trial is None:
        return ""
    # The version's own number stands in the title.
    words = trial_words(trial).removeprefix(f"version {trial.version} is ")
    return f"{words[0].upper()}{words[1:]}."


def compared(stretch: Stretch) -> str:
    """A version against the one before."""
    version, before = stretch.version, stretch.previous
    if version is None:
        return ""
    if before is None:
        return "The first system that was measured."
    change = held_out_change(before, version)
    if change is None:
        return f"Measured on other images than version {before.number}."
    return f"Against version {before.number}: {points(change.points)} ({proven(change)})."


def made(proposal: Proposal) -> str:
    """Who proposed."""
    return "by hand" if proposal.source == "person" else f"from {SOURCES[proposal.source]}"
