"""How far the best version is proven, and how often held-out images were looked at for it."""

from builder.figures import counted, p_value, proven
from builder.history import State
from builder.ladder import Trial, trial_of


def proof_lines(state: State) -> list[str]:
    """Whether the best version is confirmed, and the looks at held-out images, a line each."""
    if not state.held_out_looks:
        return []
    trial = trial_of(state.versions, state.best)
    looks = f"Held-out images were looked at {counted(state.held_out_looks, 'time')}."
    return [f"The best {trial_words(trial)}.", looks] if trial else [looks]


def trial_words(trial: Trial) -> str:
    """E.g. "version 3 is not confirmed against version 1: ..., needed p < 0.017"."""
    verdict = "is confirmed" if trial.passed else "is not confirmed"
    needed = p_value(trial.needed).replace("=", "<")
    return (
        f"version {trial.version} {verdict} against version {trial.against}: "
        f"{proven(trial.change)}, needed {needed}"
    )
