"""What the keys do and what the figures on the screen mean, for a person who asks with `?`.

What is always the same stands in `help.json`, a name and its meaning a line.
"""

import json
from collections.abc import Collection, Iterator
from importlib.resources import files

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from builder.review.view import Offer, View
from builder.scoring.wording import accuracy_interval, counted, percent

Entry = tuple[str, str]


def explanation(view: View) -> RenderableType:
    """The keys of the main menu, and the figures of the round's screen."""
    return Group(
        _listed("Keys", _always("keys")),
        _listed("Figures now", tuple(_figures_now(view))),
        _listed("Figures", _always("figures")),
    )


def images_explanation() -> RenderableType:
    """What stands beside an image."""
    return _entries(_always("images"))


def offer_explanation(view: View, offer: Offer) -> RenderableType:
    """What the figures of one proposal mean, said with these figures."""
    return _listed("What these figures mean", (*_offer_figures(view, offer), *_figures_now(view)))


def _offer_figures(view: View, offer: Offer) -> Iterator[Entry]:
    measured = offer.effect
    if measured is None:
        yield "not measured", "there are no images, or you stopped the measuring"
        return
    yield (
        measured.words(),
        f"of {counted(measured.n, 'review image')}, {measured.fixed} that are wrong become "
        f"right with this change, on top of all that is accepted, and {measured.broken} that "
        f"are right become wrong: {measured.net:+d} of {measured.n}"
        + ("; v shows these images" if measured.fixed + measured.broken else ""),
    )
    if offer.alone and offer.alone != measured:
        yield (
            f"alone {offer.alone.words()}",
            "what it did to the system as it was when the round began, without what was "
            "accepted since",
        )
    if view.state.tried:
        yield (
            f"best of {view.state.tried:,} tried",
            f"of {view.state.tried:,} changes tried on the same images the best looks better "
            "than it is, also when none is any good; held-out images tell, with m",
        )


def _figures_now(view: View) -> Iterator[Entry]:
    if view.findings is None:
        return
    if view.state.versions and (last := view.state.versions[-1]).held_out:
        n = len(last.held_out)
        yield (
            f"held-out {percent(last.correct, n)}",
            f"version {last.number} is right on {last.correct} of {n} images that nobody looks "
            f"at; 95 % interval {accuracy_interval(last.correct, n)}",
        )
    review = view.findings.review
    if review.n:
        right = int(review.correct.sum())
        yield (
            f"review {percent(right, review.n)}",
            f"the system as it is now is right on {right} of {review.n} images that proposals "
            f"come from; 95 % interval {accuracy_interval(right, review.n)}, and flattering all "
            "the same",
        )


def _always(part: str) -> Collection[Entry]:
    text = files("builder.terminal").joinpath("help.json").read_text(encoding="utf-8")
    parts: dict[str, dict[str, str]] = json.loads(text)
    return parts[part].items()


def _listed(title: str, entries: Collection[Entry]) -> RenderableType:
    if not entries:
        return Text()
    return Group(Text(), Text(title, style="bold"), _entries(entries))


def _entries(entries: Collection[Entry]) -> RenderableType:
    lines = (Text.assemble((name, "bold"), f": {meaning}") for name, meaning in entries)
    return Group(*(Padding.indent(line, 2) for line in lines))
