"""Figures in words: a figure reads the same on every screen and in the report."""

from collections.abc import Mapping

from builder.scoring.statistics import Change, Effect, wilson
from builder.system.model import Scoring

# A smaller p is shown only as being below this.
_SMALL = 0.001


def accuracy(correct: int, n: int) -> str:
    """Correct images in words, e.g. "26 of 48, 54.2 %"."""
    return f"{correct} of {n}, {percent(correct, n)}" if n else "no images"


def percent(correct: float, n: int) -> str:
    return f"{100 * correct / n:.1f} %" if n else "–"


def interval(low: float, high: float) -> str:
    """An interval in words; both ends are fractions in [0, 1]."""
    return f"{100 * low:.0f}–{100 * high:.0f} %"


def accuracy_interval(correct: float, n: int) -> str:
    """Wilson's 95 % interval, e.g. "40–67 %"; "" without images."""
    return interval(*wilson(correct, n)) if n else ""


def beside(figures: Mapping[str, float]) -> str:
    """What `beside_accuracy` found in words, e.g. "mean over classes 48.1 %"."""
    return ", ".join(f"{name} {percent(part, 1)}" for name, part in figures.items())


def effect(measured: Effect | None) -> str:
    """An effect in words, e.g. "+4.2 pp (5 fixed, 0 broken)"."""
    if measured is None:
        return "not measured"
    return measured.words()


def points(value: float) -> str:
    """Percentage points with their sign."""
    return f"{value:+.1f} pp"


def p_value(p: float) -> str:
    return f"p < {_SMALL}" if p < _SMALL else f"p = {p:.2g}"


def p_needed(p: float, needed: float) -> str:
    """A p-value against what it must be below, with enough digits: "p = 0.12, needed p < 0.017"."""
    if p < _SMALL <= needed:
        return f"{p_value(p)}, needed p < {needed:.2g}"
    digits = next((d for d in range(2, 6) if f"{p:.{d}g}" != f"{needed:.{d}g}"), 6)
    return f"p = {p:.{digits}g}, needed p < {needed:.{digits}g}"


def proven(change: Change) -> str:
    """A change in words, on images that played no part in choosing it."""
    return f"{change.fixed} fixed, {change.broken} broken, {p_value(change.p)}"


def counted(n: int, one: str, many: str = "") -> str:
    """A number with its noun: e.g. "1 image", "2 images", "3 classes"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def scoring_words(scoring: Scoring) -> str:
    """A scoring in one line, e.g. "sum, scale 20, centred"."""
    parts: list[str] = [scoring.rule]
    parts += [f"scale {scoring.scale:g}"] if scoring.scale is not None else []
    parts += ["centred"] if scoring.means is not None else []
    parts += ["weighted"] if scoring.weights else []
    parts += [f"name prior {scoring.name_prior:g}"] if scoring.name_prior else []
    return ", ".join(parts)
