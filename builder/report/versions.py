"""How the system came to be: the versions, and what each proposal did."""

from collections.abc import Iterable, Sequence

from builder.describing import describe_proposal
from builder.edits import Proposal
from builder.figures import accuracy, accuracy_interval, counted, points, proven
from builder.history import State, Step, Version
from builder.progress import causes, decision_on, held_out_change
from builder.records import Decided
from builder.report.charts import Level, Point, accuracy_chart
from builder.report.contents import Contents
from builder.report.markup import Markup, element, joined
from builder.report.opening import baselines_table, best_baseline
from builder.system import AttributeSystem

SOURCES = {"data": "from the data", "llm": "from the language model", "person": "by hand"}


def versions_section(contents: Contents) -> Markup:
    """A chart, each version with the proposals that led to it, and what was rejected."""
    state = contents.state
    if not state.versions:
        return element("p", "No version was measured.")
    items = [
        _version(version, before, state)
        for version, before in zip(state.versions, (None, *state.versions), strict=False)
    ]
    since = _since(state)
    return element(
        "div",
        element("div", *_chart(contents), class_="beside"),
        element("ol", *items, *([since] if since else []), class_="versions"),
        _rejected(state),
        class_="story",
    )


def _chart(contents: Contents) -> Iterable[Markup]:
    shown = [version for version in contents.state.versions if version.held_out]
    if not shown:
        return
    points_ = [
        Point(
            name=f"v{version.number}",
            correct=version.correct,
            n=len(version.held_out),
            review_correct=version.review.count("1"),
            review_n=len(version.review),
            best=version.number == contents.state.best,
        )
        for version in shown
    ]
    level = None
    findings = contents.measured.findings if contents.measured else None
    found = best_baseline(findings) if findings else None
    if found and found[1].n:
        level = Level("names alone", found[1].accuracy)
    yield element("div", accuracy_chart(points_, level), class_="scrolls", tabindex=0)
    key = [
        element("li", "held-out accuracy with its 95 % interval (Wilson)", class_="key-held-out"),
        element("li", "review accuracy, which flatters", class_="key-review"),
    ]
    if level:
        key.append(element("li", "held-out accuracy of names alone", class_="key-level"))
    yield element("ul", *key, class_="keys")
    if findings and findings.baselines:
        summary = element("summary", "Names alone, spelled in each way")
        yield element("details", summary, baselines_table(findings))


def _version(version: Version, before: Version | None, state: State) -> Markup:
    n = len(version.held_out)
    best = element("span", "best", class_="badge") if version.number == state.best else ""
    lines = []
    if n:
        interval = accuracy_interval(version.correct, n)
        lines.append(element("p", f"Held-out {accuracy(version.correct, n)} ({interval})."))
    if before:
        lines.append(element("p", _compared(version, before), class_="aside"))
        found = causes(before, version.steps)
        lines.append(_steps(found.done, found.taken_back, version.steps, state))
    else:
        lines.append(element("p", "The first system, as it was drafted.", class_="aside"))
        lines.append(_steps(version.steps[1:], (), version.steps, state))
    return element("li", element("h3", f"Version {version.number} ", best), *lines)


def _compared(version: Version, before: Version) -> str:
    change = held_out_change(before, version)
    if change is None:
        return f"Measured on other images than version {before.number}."
    return f"Against version {before.number}: {points(change.points)} ({proven(change)})."


def _steps(
    done: Sequence[Step], taken_back: Sequence[Step], all_steps: Sequence[Step], state: State
) -> Markup:
    """What led here: `done` are the last of `all_steps`."""
    items = []
    for step in taken_back:
        if step.proposal:
            items.append(_proposal("taken back", step.proposal, None, None))
    for place, step in enumerate(done, start=len(all_steps) - len(done)):
        if step.back_to is not None:
            items.append(element("li", f"back to version {step.back_to}"))
        elif step.proposal:
            before = all_steps[place - 1].system
            items.append(_proposal("", step.proposal, before, decision_on(step, state)))
    return element("ul", *items, class_="edits") if items else Markup()


def _proposal(
    prefix: str, proposal: Proposal, before: AttributeSystem | None, decided: Decided | None
) -> Markup:
    words = describe_proposal(proposal, before)
    facts = [prefix] if prefix else []
    facts.append(SOURCES[proposal.source])
    if decided:
        effect = decided.effect
        facts.append(f"on review {effect.words()}" if effect else "not measured")
        facts += ["accepted automatically"] if decided.by == "auto" else []
    reason = element("div", proposal.reason, class_="reason") if proposal.reason else ""
    told = element("div", " · ".join(facts), class_="facts")
    return element("li", element("div", words, class_="edit"), told, reason)


def _since(state: State) -> Markup | None:
    """What the working system has beyond the last version."""
    found = causes(state.versions[-1], state.steps)
    if not (found.done or found.taken_back):
        return None
    title = element("h3", "Since then, not measured yet")
    return element("li", title, _steps(found.done, found.taken_back, state.steps, state))


def _rejected(state: State) -> Markup:
    rejected = [decided for decided in state.decisions if decided.decision == "rejected"]
    if not rejected:
        return Markup()
    items = []
    for decided in rejected:
        why = f" · {decided.reason}" if decided.reason else ""
        effect = f" · {decided.effect.words()}" if decided.effect else ""
        facts = f"{SOURCES[decided.proposal.source]}{effect}{why}"
        edit = element("div", describe_proposal(decided.proposal), class_="edit")
        items.append(element("li", edit, element("div", facts, class_="facts")))
    summary = element("summary", f"{counted(len(rejected), 'proposal')} rejected")
    return element("details", summary, element("ul", joined(items), class_="edits"))
