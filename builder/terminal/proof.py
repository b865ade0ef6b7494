"""How far the best version is proven, and how often held-out images were looked at for it."""

from builder.figures import counted, p_value
from builder.history import State
from builder.ladder import Trial, trial_of

# What `p_value` tells no more of.
_SMALL = 0.001


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
    change = trial.change
    return (
        f"version {trial.version} {verdict} against version {trial.against}: "
        f"{change.fixed} fixed, {change.broken} broken, {_against(change.p, trial.needed)}"
    )


def _against(p: float, needed: float) -> str:
    """Both with as many digits as it takes to see which is the smaller."""
    if p < _SMALL <= needed:
        return f"{p_value(p)}, needed p < {needed:.2g}"
    digits = next((d for d in range(2, 6) if f"{p:.{d}g}" != f"{needed:.{d}g}"), 6)
    return f"p = {p:.{digits}g}, needed p < {needed:.{digits}g}"
