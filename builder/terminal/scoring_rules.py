"""The scoring rules side by side, each against the one in use."""

from collections.abc import Callable, Sequence

from rich.console import Console, Group, RenderableType
from rich.text import Text

from builder.review.view import Rescore, TryRules, View
from builder.scoring.fit import FITTED_PART, RuleName, RuleTrial
from builder.scoring.wording import accuracy, accuracy_interval, counted, proven, scoring_words
from builder.session.confirmation import needed_p
from builder.system.model import Scoring
from builder.terminal.asker import Asker
from builder.terminal.tables import table_of

# Of rules whose name says too little.
_TITLES: dict[RuleName, str] = {
    "sum-at-1": "sum, scale 1 (the article)",
    "fitted-scale": "sum, fitted scale",
    "centred": "sum, centred",
    "weighted": "sum, weighted",
    "name-prior": "sum, with name prior",
}


def rules_table(trials: Sequence[RuleTrial], *, about: str) -> RenderableType:
    """The rules side by side, the one in use first; `about`: the images fitted on and shown."""
    others, used = _others(trials), trials[0]
    columns: dict[str, Callable[[RuleTrial], str]] = {
        "rule": lambda trial: f"in use: {_title(trial)}" if trial is used else _title(trial),
        "fitted": lambda trial: _fitted_words(trial.scoring),
        "accuracy": lambda trial: accuracy(int(trial.correct.sum()), len(trial.correct)),
        "interval": lambda trial: accuracy_interval(int(trial.correct.sum()), len(trial.correct)),
        "change": lambda trial: "" if trial is used else proven(trial.change),
    }
    note = f"{about} Intervals: 95 %. Change: against the rule in use; p: exact McNemar."
    if len(others) > 1:
        note += f" {len(others)} rules were compared, p is not corrected: "
        note += "the best is flattered by luck."
    return Group(table_of((used, *others), columns), Text(note, style="dim"))


def choose_rule(asker: Asker, console: Console, view: View) -> TryRules | Rescore | None:
    """Shows the last version under every rule; None where the rule in use is kept.

    TryRules where that shows something new of held-out images: it is to be recorded first.
    """
    trials = view.try_rules()
    if not trials:
        return None
    if (new := len(_others(trials))) and not view.rules_tried:
        console.print(Text(_cost(view.state.held_out_looks, new)))
        return TryRules(new) if asker.confirm("Show the rules?", default=False) else None
    version = f"Version {view.state.versions[-1].number}"
    fitted = "rules that are fitted are left out, no review image is of a known class."
    if view.findings and any(trial.name in FITTED_PART for trial in trials):
        fitted = f"fitted on {counted(view.findings.review.n, 'image')} for review."
    about = f"{version}, {fitted} Accuracies are of held-out images."
    console.print(rules_table(trials, about=about))
    others = {_TITLES.get(trial.name, trial.name): trial for trial in _others(trials) if trial.name}
    kept = f"keep {scoring_words(trials[0].scoring)}"
    picked = asker.pick("Score by which rule from here on?", [kept, *others])
    return Rescore(others[picked].scoring) if picked in others else None


def _cost(looks: int, new: int) -> str:
    """What so many new looks make of the p that the next version needs, after one look or more."""
    now, then = needed_p(looks + 1), needed_p(looks + new + 1)
    return (
        f"This shows held-out images {counted(new, 'more time')}, each of them a look. To be "
        f"confirmed, the next version would then need p < {then:.2g} instead of {now:.2g}."
    )


def _others(trials: Sequence[RuleTrial]) -> list[RuleTrial]:
    """The trials that are not the rule in use under its own name."""
    return [trial for trial in trials[1:] if trial.scoring != trials[0].scoring]


def _title(trial: RuleTrial) -> str:
    return _TITLES.get(trial.name, trial.name) if trial.name else scoring_words(trial.scoring)


def _fitted_words(scoring: Scoring) -> str:
    """What was fitted of a rule, in figures."""
    parts = []
    for part in scoring.fitted.parts if scoring.fitted else ():
        match part:
            case "scale":
                parts.append(f"{scoring.scale:g}")
            case "means":
                parts.append(counted(len(scoring.means or {}), "mean"))
            case "weights":
                low, high = min(scoring.weights.values()), max(scoring.weights.values())
                parts.append(f"{low:.2f} to {high:.2f}")
            case "name_prior":
                parts.append(f"{scoring.name_prior:g}")
    return ", ".join(parts)
