"""The top of the page: how well the system does, and how far that can be trusted."""

from builder.report.contents import Contents
from builder.report.markup import Markup, element, joined
from builder.review.findings import Findings
from builder.scoring.score import Scores
from builder.scoring.statistics import Change, compare
from builder.scoring.wording import accuracy, accuracy_interval, counted, percent, points, proven
from builder.session.state import Version, from_bits


def opening(contents: Contents) -> Markup:
    """The title, the accuracies with their intervals, and warnings if there are any."""
    system = contents.system
    size = ", ".join(
        (
            counted(len(system.classes), "class", "classes"),
            counted(len(system.groups), "group"),
            counted(len(system.phrases()), "option"),
        )
    )
    return element(
        "header",
        element("p", "Attribute system", class_="kicker"),
        element("h1", system.domain),
        element("p", size, class_="size"),
        *(element("p", words, class_="warning") for words in contents.origin.warnings),
        _figures(contents),
    )


def best_baseline(findings: Findings) -> tuple[str, Scores] | None:
    """The spelling of bare names that gets most held-out images right."""
    found = findings.baselines.items()
    return max(found, key=lambda item: int(item[1].correct.sum()), default=None)


def over_baseline(version: Version, names: Scores) -> Change | None:
    """From the names to the version; None unless both were measured on as many images."""
    if not names.n or names.n != len(version.held_out):
        return None
    return compare(names.correct, from_bits(version.held_out))


def _figures(contents: Contents) -> Markup:
    version = contents.version
    if version is None or not version.held_out:
        words = "Nothing was scored: there is no accuracy to report."
        return element("p", words, class_="lead")
    tiles = [
        _tile(
            "Held-out images",
            version.correct,
            len(version.held_out),
            f"Version {version.number}, the best of {len(contents.state.versions)}. Nobody looked "
            "at these images, but they decided which version is the best.",
        ),
        _final(contents),
    ]
    if contents.measured and (tile := _names(contents.measured.findings, version)):
        tiles.append(tile)
    if version.review:
        tiles.append(
            _tile(
                "Review images",
                version.review.count("1"),
                len(version.review),
                "Proposals were fitted to these, so that this figure flatters.",
            )
        )
    return element("div", *tiles, class_="tiles")


def _tile(name: str, correct: int, n: int, words: str) -> Markup:
    return element(
        "div",
        element("h2", name),
        element("p", percent(correct, n), class_="figure"),
        element("p", f"{correct} of {n}, 95 % interval {accuracy_interval(correct, n)}"),
        element("p", words, class_="aside"),
        class_="tile",
    )


def _final(contents: Contents) -> Markup:
    final, looks = contents.state.final, contents.state.final_looks
    size = sum(split == "final" for split in contents.state.splits.values())
    version = contents.version
    by_now = contents.state.final_scoring == contents.state.scoring
    if final and final.final and version and final.version == version.number and by_now:
        bits = final.final
        words = "Looked at once, at the export: nothing was fitted to these."
        if looks > 1:
            words = f"Looked at {looks} times: no longer an untouched estimate."
        return _tile("Final images", bits.count("1"), len(bits), words)
    words = "These were too few images for a final split: there is no untouched estimate."
    if size and not looks:
        words = f"{counted(size, 'image')} that nobody has measured on; the export does, once."
    elif size:
        words = (
            f"The {counted(size, 'image')} were measured on, but for another version or scoring."
        )
    return element(
        "div",
        element("h2", "Final images"),
        element("p", "–", class_="figure"),
        element("p", words, class_="aside"),
        class_="tile",
    )


def _names(findings: Findings, version: Version) -> Markup | None:
    found = best_baseline(findings)
    if found is None or not found[1].n:
        return None
    name, scores = found
    words = f'Held-out images matched to class names spelled as "{name}", the best way of '
    words += f"{len(findings.baselines)}."
    if change := over_baseline(version, scores):
        words += f" The system: {points(change.points)} ({proven(change)})."
    return _tile("Names alone", int(scores.correct.sum()), scores.n, words)


def baselines_table(findings: Findings) -> Markup:
    """All spellings of the names on held-out images."""
    rows = [
        element(
            "li", f"names as \u201c{name}\u201d: {accuracy(int(scores.correct.sum()), scores.n)}"
        )
        for name, scores in findings.baselines.items()
    ]
    return element("ul", joined(rows))
