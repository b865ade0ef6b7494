"""What the top of the page compares: the version, the names alone, the final images."""

from builder.report.contents import Contents
from builder.review.findings import Findings
from builder.scoring.score import Scores
from builder.scoring.statistics import Change, compare
from builder.session.state import Version, from_bits


def best_baseline(findings: Findings) -> tuple[str, Scores] | None:
    """The spelling of bare names that gets most held-out images right; None without images."""
    found = [(name, scores) for name, scores in findings.baselines.items() if scores.n]
    return max(found, key=lambda item: int(item[1].correct.sum()), default=None)


def names_shown(findings: Findings) -> list[tuple[str, Scores]]:
    """The bare names, and the best spelling where that is another one; [] without images."""
    best = best_baseline(findings)
    shown = {"name": findings.baselines.get("name"), **dict([best] if best else [])}
    return [(spelling, scores) for spelling, scores in shown.items() if scores and scores.n]


def over_baseline(version: Version, names: Scores) -> Change | None:
    """From the names to the version; None unless both were measured on as many images."""
    if names.n != len(version.held_out):
        return None
    return compare(names.correct, from_bits(version.held_out))


def final_bits(contents: Contents) -> str:
    """Which final images are right, if they were looked at with this version and scoring."""
    state, version = contents.state, contents.version
    final = state.final
    if final is None or version is None or final.version != version.number:
        return ""
    return (final.final or "") if state.final_scoring == state.scoring else ""
