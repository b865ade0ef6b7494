"""How far the best version is proven, and how often held-out images were looked at for it."""

from builder.scoring.wording import counted
from builder.session.confirmation import trial_of, trial_words
from builder.session.state import State


def proof_lines(state: State) -> list[str]:
    """Whether the best version is confirmed, and the looks at held-out images, a line each."""
    if not state.held_out_looks:
        return []
    trial = trial_of(state.versions, state.best)
    looks = f"Held-out images were looked at {counted(state.held_out_looks, 'time')}."
    return [f"The best {trial_words(trial)}.", looks] if trial else [looks]
