"""How the system came to be: the versions, and what each proposal did."""

from collections.abc import Iterable

from builder.edits.describe import SOURCES, describe_proposal
from builder.edits.model import Proposal
from builder.report.charts import Level, Point, accuracy_chart
from builder.report.contents import Contents
from builder.report.markup import Markup, element, joined
from builder.report.opening import baselines_table, best_baseline
from builder.scoring.wording import accuracy, accuracy_interval, counted, points, proven
from builder.session.confirmation import confirmed, trial_of, trial_words
from builder.session.state import State, Version
from builder.session.story import Accepted, Story, Stretch
from builder.session.versions import held_out_change


def versions_section(contents: Contents) -> Markup:
    """A chart, each version with the proposals that led to it, and what was rejected."""
    story = contents.story
    items = [
        _stretch(stretch, story)
        for stretch in story.stretches
        if stretch.version or stretch.accepted or stretch.taken_back
    ]
    chart = element("div", *_chart(contents), class_="beside") if story.state.versions else ""
    none = "" if story.state.versions else element("p", "No version was measured.")
    versions = element("ol", *items, class_="versions")
    return element("div", none, chart, versions, _rejected(story.state), class_="story")


def _chart(contents: Contents) -> Iterable[Markup]:
    shown = [version for version in contents.state.versions if version.held_out]
    if not shown:
        return
    findings = contents.measured.findings if contents.measured else None
    found = best_baseline(findings) if findings else None
    level = Level("names alone", found[1].accuracy) if found and found[1].n else None
    drawn = accuracy_chart([_point(version, contents.state) for version in shown], level)
    yield element("div", drawn, class_="scrolls", tabindex=0)
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


def _point(version: Version, state: State) -> Point:
    return Point(
        name=f"v{version.number}",
        correct=version.correct,
        n=len(version.held_out),
        review_correct=version.review.count("1"),
        review_n=len(version.review),
        best=version.number == state.best,
    )


def _stretch(stretch: Stretch, story: Story) -> Markup:
    edits = [
        *(_taken_back(proposal) for proposal in stretch.taken_back),
        *(_accepted(accepted) for accepted in stretch.accepted),
    ]
    back = f"Back to version {stretch.back_to}." if stretch.back_to is not None else ""
    return element(
        "li",
        _title(stretch, story),
        _figures(stretch.version),
        element("p", _compared(stretch), class_="aside"),
        _proof(stretch.version, story.state),
        element("p", back, class_="aside") if back else "",
        element("ul", *edits, class_="edits") if edits else "",
    )


def _title(stretch: Stretch, story: Story) -> Markup:
    version = stretch.version
    if version is None:
        since = "Since then" if story.state.versions else "Up to now"
        return element("h3", f"{since}, not measured yet" if story.unmeasured else since)
    roles = {"best": story.state.best, "confirmed": confirmed(story.state.versions)}
    badges = [
        element("span", role, class_="badge")
        for role, number in roles.items()
        if number == version.number
    ]
    return element("h3", f"Version {version.number} ", *badges)


def _figures(version: Version | None) -> Markup:
    if version is None or not version.held_out:
        return Markup()
    n = len(version.held_out)
    interval = accuracy_interval(version.correct, n)
    return element("p", f"Held-out {accuracy(version.correct, n)} ({interval}).")


def _proof(version: Version | None, state: State) -> Markup:
    trial = trial_of(state.versions, version.number) if version else None
    if trial is None:
        return Markup()
    # The version's own number stands in the title.
    words = trial_words(trial).removeprefix(f"version {trial.version} is ")
    return element("p", f"{words[0].upper()}{words[1:]}.", class_="aside")


def _compared(stretch: Stretch) -> str:
    version, before = stretch.version, stretch.previous
    if version is None:
        return ""
    if before is None:
        return "The first system that was measured."
    change = held_out_change(before, version)
    if change is None:
        return f"Measured on other images than version {before.number}."
    return f"Against version {before.number}: {points(change.points)} ({proven(change)})."


def _made(proposal: Proposal) -> str:
    return "by hand" if proposal.source == "person" else f"from {SOURCES[proposal.source]}"


def _taken_back(proposal: Proposal) -> Markup:
    return _proposal(describe_proposal(proposal), ["taken back", _made(proposal)])


def _accepted(accepted: Accepted) -> Markup:
    decided = accepted.decided
    proposal, effect = decided.proposal, decided.effect
    facts = [
        _made(proposal),
        f"on review {effect.words()}" if effect else "not measured",
        *(["accepted automatically"] if decided.by == "auto" else []),
    ]
    return _proposal(describe_proposal(proposal, accepted.before), facts, proposal.reason)


def _rejected(state: State) -> Markup:
    rejected = [decided for decided in state.decisions if decided.decision == "rejected"]
    if not rejected:
        return Markup()
    items = []
    for decided in rejected:
        facts = [_made(decided.proposal)]
        facts += [decided.effect.words()] if decided.effect else []
        items.append(_proposal(describe_proposal(decided.proposal), facts, decided.reason))
    summary = element("summary", f"{counted(len(rejected), 'proposal')} rejected")
    return element("details", summary, element("ul", joined(items), class_="edits"))


def _proposal(words: str, facts: Iterable[str], reason: str = "") -> Markup:
    return element(
        "li",
        element("div", words, class_="edit"),
        element("div", " · ".join(facts), class_="facts"),
        element("div", reason, class_="reason") if reason else "",
    )
