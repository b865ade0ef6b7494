"""What the keys do and what the figures on the screen mean, for a person who asks with `?`."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from builder.review.view import Offer, View
from builder.scoring.wording import accuracy_interval, counted, percent, points

Entry = tuple[str, str]

_KEYS: tuple[Entry, ...] = (
    ("p", "go through the proposals: accept, reject, edit or skip each; h accepts all that help"),
    (
        "e",
        "change a rule, an option, a prompt, a group, a class or the whole system as text; you see "
        "the effect before it applies",
    ),
    ("n", "tell the language model something, in your words, with the next request"),
    ("l", "ask the language model for more proposals now"),
    ("u y", "take back the last decision or lock, and the one before; do it again"),
    ("k", "lock a group, a class or one rule: only you change it then; or unlock it"),
    ("v", "the images behind a number: what the encoder saw against what the rules say"),
    ("c g", "all classes, all groups"),
    (
        "o",
        "the scoring rules side by side on held-out images, which is a look at them; choose one, "
        "and all versions are measured again by it",
    ),
    ("s", "show the round again, as it is now"),
    ("m", "measure on held-out images; the next round begins"),
    ("x", "write the best version to a file"),
    ("q", "leave; every answer is saved already, `cotbuild resume` goes on from here"),
    ("Esc", "goes back one question and keeps what you typed; Ctrl-C stops a step, twice leaves"),
)
_FIGURES: tuple[Entry, ...] = (
    ("review images", "you, the model and the suggestions look at these; figures on these flatter"),
    ("held-out images", "only their accuracy is seen; it decides which version is the best"),
    ("final images", "measured once, at the export: the estimate nothing was fitted to"),
    ("data, model", "whose proposal it is"),
    ("95 % interval", "Wilson's; on other images of the same kind the accuracy is likely in there"),
    ("pp", "percentage points; 5 fixed, 2 broken: images that became right, and wrong"),
    ("p", "exact McNemar: how often chance alone would change as much (0.05 is rare)"),
    (
        "confirmed",
        "proven better than the last confirmed version, or the draft, at a step that grows with "
        "each look at held-out images: chance alone confirms something in about 1 of 20 "
        "sessions at most; best is only the highest figure",
    ),
    ("names", "the baselines: images matched to class names, without any attributes"),
    ("ahead by", "in the images: how far the wrong class's total is above the true one's"),
    ("misled", "in the images: a group that spoke more for the wrong class than for the true one"),
    (
        "misled by",
        "the group that spoke most for a wrong class: on how many of the wrong images, and by how "
        "many points of probability on these",
    ),
    (
        "what should tell them apart",
        "of the groups whose rules differ for the two classes the best, and how often it speaks "
        "for the right one: 50 % is a coin, from 75 % on it counts as telling them apart",
    ),
    (
        "alone",
        "of a group: its accuracy when it is the only one; of a proposal: its effect on the system "
        "that the round began with, without what was accepted since",
    ),
    (
        "best of 9 tried",
        "so many different proposals were measured on these images: of many the best looks better "
        "than it is",
    ),
    (
        "left out",
        "the change without the group; p (exact McNemar) allows for trying every group (Holm), "
        "but not for proposals that were fitted on these images",
    ),
    (
        "own bits",
        "of the bits that a group's rules tell about the class, those that no other group tells; "
        "exact, all classes equally likely; 1 bit halves the classes",
    ),
    (
        "bits seen",
        "what the images' answers tell about the class, less what shuffled labels seem to tell; "
        "shown from as many images on as make that a quarter of a bit at most",
    ),
    (
        "told by",
        "the other group whose rules tell most of what this one's do, and how much of it; with few "
        "classes much of that is chance, which the verdict allows for",
    ),
    ("as ruled", "images that look as the rule of their class says"),
    (
        "shuffled p",
        "how often the group's rules, shuffled over the classes, fit the images as well; above "
        "0.05 the group may be decoration",
    ),
    (
        "verdict",
        "the first that holds of: carries the system, or misleads (left out, p is 0.05 or less); "
        "decoration (no bits, or shuffled p above 0.05); repeats a group (which tells 90 % of it "
        "or more, beyond what shuffled rules would tell); can't be told (no p could be small with "
        "so few images or classes); tells few classes apart (less than a question that 9 of 10 "
        "classes answer alike); may help (fewer are right without it, by chance as easily); adds "
        "nothing (all others tell 90 % of it or more); helps little",
    ),
)


def explanation(view: View) -> RenderableType:
    """The keys of the main menu, and the figures of the round's screen."""
    return Group(
        _listed("Keys", _KEYS),
        _listed("Figures now", _figures_now(view)),
        _listed("Figures", _FIGURES),
    )


def offer_explanation(view: View, offer: Offer) -> RenderableType:
    """What the figures of one proposal mean, said with these figures."""
    return _listed("What these figures mean", (*_offer_figures(view, offer), *_figures_now(view)))


def _offer_figures(view: View, offer: Offer) -> Sequence[Entry]:
    measured = offer.effect
    if measured is None:
        return (("not measured", "there are no images, or you stopped the measuring"),)
    entries = [
        (
            f"{points(measured.points)} ({measured.fixed} fixed, {measured.broken} broken)",
            f"of {counted(measured.n, 'review image')}, {measured.fixed} that are wrong become "
            f"right with this change, on top of all that is accepted, and {measured.broken} that "
            f"are right become wrong: {measured.net:+d} of {measured.n}"
            + ("; v shows these images" if measured.fixed + measured.broken else ""),
        )
    ]
    if offer.alone and offer.alone != measured:
        entries.append(
            (
                f"alone {offer.alone.words()}",
                "what it did to the system as it was when the round began, without what was "
                "accepted since",
            )
        )
    if view.state.tried:
        entries.append(
            (
                f"best of {view.state.tried:,} tried",
                f"of {view.state.tried:,} changes tried on the same images the best looks better "
                "than it is, also when none is any good; held-out images tell, with m",
            )
        )
    return entries


def _figures_now(view: View) -> Sequence[Entry]:
    entries: list[Entry] = []
    if view.findings is None:
        return entries
    if view.state.versions and (last := view.state.versions[-1]).held_out:
        n = len(last.held_out)
        entries.append(
            (
                f"held-out {percent(last.correct, n)}",
                f"version {last.number} is right on {last.correct} of {n} images that nobody looks "
                f"at; 95 % interval {accuracy_interval(last.correct, n)}",
            )
        )
    review = view.findings.review
    if review.n:
        right = int(review.correct.sum())
        entries.append(
            (
                f"review {percent(right, review.n)}",
                f"the system as it is now is right on {right} of {review.n} images that proposals "
                "come from; 95 % interval "
                f"{accuracy_interval(right, review.n)}, and flattering all the same",
            )
        )
    return entries


def _listed(title: str, entries: Sequence[Entry]) -> RenderableType:
    if not entries:
        return Text()
    lines: list[RenderableType] = [Text(), Text(title, style="bold")]
    for name, meaning in entries:
        lines.append(
            Padding(Text.assemble((name, "bold"), f": {meaning}"), (0, 0, 0, 2), expand=False)
        )
    return Group(*lines)
