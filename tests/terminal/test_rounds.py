"""The round's screen, drawn wide and narrow."""

from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.text import Text

from builder.diagnosis.information import redundancy
from builder.edits.model import DropClass, Proposal
from builder.review.view import View
from builder.session.records import (
    Assigned,
    Decided,
    Exported,
    Measured,
    Noted,
    Proposed,
    Record,
    RoundEnded,
)
from builder.session.state import fold, from_bits
from builder.session.versions import Point
from builder.system.model import AttributeGroup, AttributeSystem, make_system
from builder.terminal.diagnosis_tables import (
    class_table,
    group_block,
    pair_table,
    redundancy_block,
    worst_classes,
)
from builder.terminal.difference import difference_screen
from builder.terminal.events import record_line
from builder.terminal.rounds import (
    final_note,
    offer_block,
    round_screen,
    status_line,
    unknown_words,
)
from tests.terminal import sample

WIDTHS = (80, 40, 20)
# What a name may do to a screen that reads it as anything but text.
EVIL = ("[red]Absol[/red]", "\x1b[2J{}\u202eMew", "x" * 10_000, "y" * 9_999 + "\n{0}")


def drawn(renderable: RenderableType, width: int = 80) -> str:
    console = Console(width=width, highlight=False, emoji=False, markup=False, color_system=None)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def words(text: str) -> str:
    """Without line breaks and padding, which depend on the width."""
    return " ".join(text.split())


def accepted(index: int = 0) -> Decided:
    return Decided(proposal=sample.proposals()[index], decision="accepted", by="person")


def second_round() -> list[Record]:
    first: list[Record] = [accepted(), RoundEnded(round=1)]
    state = fold([*sample.records(), *first])
    offers = Proposed(round=2, asked=True, proposals=sample.proposals()[1:])
    return [*first, sample.all_measured()(state), offers]


def worse_round() -> list[Record]:
    """A second version that gets no held-out image right."""
    *before, measured, offers = second_round()
    assert isinstance(measured, Measured)
    wrong = measured.model_copy(update={"held_out": "0" * len(measured.held_out)})
    return [*before, wrong, offers]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_questions_are_answered_from_the_top(width: int) -> None:
    text = words(drawn(round_screen(sample.view()), width))
    places = [text.index(q) for q in ("Did it help?", "What is wrong?", "What would fix it?")]
    assert places == sorted(places)
    assert places[0] < text.index("42 of 48") < places[1]
    assert places[1] < text.index("Houndour ↔ Mew") < places[2]
    assert places[2] < text.index("+10.4 pp (5 fixed, 0 broken)")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("names", [sample.NAMES, EVIL], ids=["plain", "evil"])
def test_no_line_is_wider_than_the_screen(width: int, names: tuple[str, ...]) -> None:
    view = sample.view(names=names)
    assert view.findings is not None
    for renderable in (
        round_screen(view),
        class_table(view.findings.classes),
        group_block(view.findings),
    ):
        for line in drawn(renderable, width).splitlines():
            assert cell_len(line) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_names_are_only_text(width: int) -> None:
    view = sample.view(names=EVIL)
    assert view.findings is not None
    text = drawn(round_screen(view), width) + drawn(class_table(view.findings.classes), width)
    text += drawn(group_block(view.findings), width)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]Absol[/red]" in text.replace("\n", "").replace(" ", "")
    assert len(text) < 20_000


def test_a_name_that_is_gone_is_only_text() -> None:
    drop = Proposal(edits=(DropClass(class_name=EVIL[1]),), source="person")
    dropped = Decided(proposal=drop, decision="accepted", by="person")
    state = fold([*sample.records(EVIL), dropped])
    judge = sample.evaluator(EVIL).for_step(state.steps[-1], None)
    assert state.system is not None
    view = sample.view([dropped, sample.measured(judge, state.system, 2)], names=EVIL)
    versions = view.state.versions
    points = [Point(f"version {v.number}", v.steps, v) for v in versions]
    told = record_line(sample.measured(judge, state.system, 2), view.state)
    text = words(drawn(Group(round_screen(view), difference_screen(*points, ()), Text(told or ""))))
    assert text.count("other classes (without \\x1b[2J") == 3
    assert "\x1b" not in text


def test_the_same_names_in_full_colour_drive_nothing() -> None:
    console = Console(width=80, force_terminal=True, color_system="truecolor", _environ={})
    with console.capture() as captured:
        console.print(round_screen(sample.view(names=EVIL)))
    assert "\x1b[2J" not in captured.get()
    assert "[red]" in captured.get()


def test_an_accuracy_has_its_interval_and_every_baseline_is_there() -> None:
    text = drawn(round_screen(sample.view()))
    assert "87.5 % 75–94 %" in words(text)
    for name in ('"name"', '"a photo of {name}"', '"trading card: {name}" (best)'):
        assert f"names as {name}" in text
    assert "On review images: 43 of 48, 89.6 % (78–95 %)." in text


@pytest.mark.parametrize("width", WIDTHS)
def test_the_mean_over_classes_is_told_where_classes_are_uneven(width: int) -> None:
    view = sample.view_of_uneven()
    assert view.findings is not None
    seen = [view.findings.review.correct, from_bits(view.state.versions[0].held_out)]
    review, held_out = ((c[:36].mean() * 3 + c[36:].mean()) / 4 for c in seen)
    text = words(drawn(round_screen(view), width))
    assert f"%); mean over classes {100 * review:.1f} %." in text
    assert f"Version 1 on held-out images: mean over classes {100 * held_out:.1f} %." in text
    assert "best five" not in text
    assert "mean over classes" not in words(drawn(round_screen(sample.view()), width))


def test_nothing_is_told_of_held_out_images_that_no_version_was_measured_on() -> None:
    text = words(drawn(round_screen(sample.view_of_uneven([accepted()]))))
    assert "on held-out images: mean over classes" not in text
    assert "%); mean over classes" in text


def test_of_many_classes_it_is_told_how_often_the_best_five_hold_the_right_one() -> None:
    view = sample.view_of_many()
    assert view.findings is not None
    review = view.findings.review
    among = 100 * review.among_best(5).mean()
    assert review.accuracy < among / 100
    text = words(drawn(round_screen(view)))
    mean = f"mean over classes {100 * review.accuracy:.1f} %"
    assert f"%); {mean}, among the best five {among:.1f} %." in text
    assert f"Version 1 on held-out images: {mean}." in text


def test_versions_are_compared_on_held_out_images_with_p() -> None:
    text = words(drawn(round_screen(sample.view(second_round()))))
    assert "version 2 (the last, the best, confirmed) 48 of 48" in text
    assert (
        "The best version 2 is confirmed against version 1: 6 fixed, 0 broken, p = 0.031, "
        "needed p < 0.05. Held-out images were looked at 2 times."
    ) in text
    assert "version 1 (the draft) 42 of 48" in text
    assert (
        "Version 2 against version 1: +12.5 pp on held-out images (6 fixed, 0 broken, p = 0.031)."
    ) in text
    assert "Classes on review images: up Mew 7 → 12 of 12." in text
    assert "+ Mew · background: a forest" in text


def test_the_confirmed_version_stays_on_the_screen() -> None:
    """Three rounds later it is none of the last two."""
    first = fold(sample.records())
    marks = first.versions[0].held_out
    steps: list[Record] = []
    for number, held_out in enumerate(("1" * 48, marks, marks, marks), start=2):
        measured = Measured(
            version=number,
            images=first.versions[0].images,
            review=first.versions[0].review,
            held_out=held_out,
        )
        steps.append(measured)
    text = words(drawn(round_screen(sample.view(steps))))
    assert "version 2 (the best, confirmed) 48 of 48" in text
    assert "version 5 (the last) 42 of 48" in text
    assert "version 3" not in text


@pytest.mark.parametrize("width", WIDTHS)
def test_a_best_version_that_is_not_proven_is_called_so(width: int) -> None:
    *before, measured, offers = second_round()
    assert isinstance(measured, Measured)
    # One of the images that the draft got wrong is right, all others are as they were.
    held_out = fold(sample.records()).versions[0].held_out.replace("0", "1", 1)
    slightly = measured.model_copy(update={"held_out": held_out})
    text = words(drawn(round_screen(sample.view([*before, slightly, offers])), width))
    assert "version 2 (the last, the best)" in text
    assert (
        "The best version 2 is not confirmed against version 1: 1 fixed, 0 broken, p = 1, "
        "needed p < 0.05."
    ) in text


def test_on_review_images_there_is_no_p() -> None:
    text = drawn(round_screen(sample.view([accepted()])))
    told = words(text)
    assert "Since version 1: 5 fixed, 0 broken on review images; not measured" in told
    assert "Classes on review images: up Mew 7 → 12 of 12." in told
    fixing = text[text.index("What would fix it?") :]
    assert "p =" not in fixing
    assert "p <" not in fixing


def test_versions_on_other_images_are_not_compared() -> None:
    *before, measured, offers = second_round()
    other = measured.model_copy(update={"images": "others"})
    text = words(drawn(round_screen(sample.view([*before, other, offers]))))
    assert text.count("against version 1") == 1
    assert "against version 1: on other images, so they can't be compared." in text


def test_proposals_are_numbered_with_source_reason_and_how_many_were_tried() -> None:
    text = drawn(round_screen(sample.view()))
    first, second, third = (text.index(start) for start in ("1. +10.4 pp", "2. -20.8", "3. -22.9"))
    assert "· data" in text[first:second]
    assert "Mew · background: a desert -> a forest" in text[first:second]
    assert "11 of 12 images see a forest" in text[first:second]
    assert "· model" in text[second:third]
    assert "Its fur is purple [bold]in truth[/bold]" in text[third:]
    assert text.count("Best of 3 tried, fitted on these images") == 1


def test_more_proposals_than_fit_the_screen_are_counted() -> None:
    from builder.edits.model import DropOption, Proposal

    many = tuple(
        Proposal(edits=(DropOption(group=g.name, option=option),), source="data")
        for g in sample.system().groups
        for option in g.options
    )
    offers = Proposed(round=1, asked=False, proposals=(*many, *sample.proposals()))
    text = drawn(round_screen(sample.view([offers])))
    assert "6. " in text
    assert "7. " not in text
    assert "3 more proposals" in text


def test_what_does_not_fit_any_more_and_what_waits_is_said() -> None:
    twice = [accepted(1), sample.records()[3], Noted(text="look at the tails")]
    text = drawn(round_screen(sample.view(twice)))
    assert "1 proposal no longer fits the system" in text
    assert "Note, not sent yet: look at the tails" in text
    asked = sample.records()[3]
    told = drawn(round_screen(sample.view([Noted(text="look at the tails"), asked])))
    assert "Note to the model: look at the tails" in told


def test_the_advice_to_stop_is_in_words() -> None:
    text = drawn(round_screen(sample.view(last_round=0)))
    assert "This may be the time to stop: round 0 was the last one asked for." in text


@pytest.mark.parametrize("width", WIDTHS)
def test_without_images_nothing_is_scored_and_the_screen_says_so(width: int) -> None:
    text = words(drawn(round_screen(sample.view_without_images()), width))
    assert "nothing is scored" in text
    assert "color (3), background (3)" in text
    assert "pp" not in text
    assert " %" not in text


def test_ties_are_told() -> None:
    from builder.edits.model import Proposal, SetRule

    alike = SetRule(class_name="Absol G", group="background", options=("a forest",))
    decision = Decided(
        proposal=Proposal(edits=(alike,), source="person"), decision="accepted", by="person"
    )
    view = sample.view([decision])
    text = drawn(round_screen(view))
    assert view.findings is not None
    assert view.findings.review.ties > 0
    assert f"{view.findings.review.ties} images tied" in text
    assert "identical rules" in text


def test_weak_groups_are_told() -> None:
    from builder.edits.model import AddGroup, Proposal
    from builder.system.model import AttributeGroup

    group = AttributeGroup(name="sky", prompt="The sky is {}.", options=("clear", "grey"))
    decision = Decided(
        proposal=Proposal(edits=(AddGroup(group=group),), source="person"),
        decision="accepted",
        by="person",
    )
    view = sample.view([decision])
    assert view.findings is not None
    assert [report.name for report in view.findings.groups if report.weak] == ["sky"]
    text = drawn(round_screen(view))
    assert "Weak groups" in text
    assert "sky +0.0 pp (0 fixed, 0 broken) decoration" in words(text)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_group_is_shown_with_all_measures_and_its_verdict(width: int) -> None:
    view = sample.view()
    assert view.findings is not None
    text = words(drawn(group_block(view.findings), width))
    for measure in ("alone 50.0 %", "left out", "own", "bits seen", "as ruled", "shuffled p"):
        assert measure in text
    assert "-14.6 pp (0 fixed, 7 broken)" in text
    assert text.count("verdict carries the system") == 2
    # Four classes can be dealt out in too few ways.
    assert text.count("too few classes") == 2
    assert "What two groups tell alike" in text


def grouped(count: int) -> AttributeSystem:
    """Groups of which each two neighbours tell the same."""
    groups = [
        AttributeGroup(name=f"group [{g}]", prompt="{}", options=("a", "b")) for g in range(count)
    ]
    rules = {
        f"class {c}": {group.name: "ab"[c >> g // 2 & 1] for g, group in enumerate(groups)}
        for c in range(128)
    }
    return make_system("test", groups, rules)


@pytest.mark.parametrize("width", WIDTHS)
def test_what_groups_tell_alike_is_a_matrix_or_the_most_alike(width: int) -> None:
    four = drawn(redundancy_block(redundancy(grouped(4))), width)
    assert four.count("100 %") == 2
    assert four.count(" 0 %") + four.count("\n0 %") == 4
    assert "group [3]" in four.replace("\n", " ")
    many = words(drawn(redundancy_block(redundancy(grouped(13))), width))
    assert "the most alike" in many
    assert many.count("100 %") == 6
    assert many.count("↔") == 10
    assert drawn(redundancy_block(redundancy(grouped(1)))).strip() == ""


def test_the_final_split_is_untouched_until_it_was_looked_at() -> None:
    splits = Assigned(splits={f"final-{i}": "final" for i in range(48)})
    state = fold([*sample.records(), splits])
    assert "48 images are untouched" in final_note(state)
    looked = Exported(path="out.json", version=1, final="1" * 48)
    assert "no longer untouched" in final_note(fold([*sample.records(), splits, looked]))
    assert "No final split" in final_note(sample.view().state)


def test_the_status_line_counts_from_the_last_version() -> None:
    before = "Held-out 87.5 % (version 1, best) · review 89.6 %"
    assert status_line(sample.view()) == before
    now = "Held-out 87.5 % (version 1, best) · review 100.0 % (5 fixed, 0 broken since)"
    assert status_line(sample.view([accepted()])) == now
    assert len(now) <= 80
    assert status_line(sample.view_without_images()) == "3 proposals left; nothing is scored"


def test_the_status_line_names_the_best_where_the_last_version_is_not() -> None:
    line = status_line(sample.view(worse_round()))
    assert line.startswith("Held-out 0.0 % (version 2, best: 1) · review ")
    assert len(line) <= 80


def test_without_review_images_nothing_is_claimed_of_them() -> None:
    view = sample.view_without_review_images()
    assert view.findings is not None
    assert view.findings.review.n == 0
    text = drawn(round_screen(view))
    assert "too few images to review" in text
    assert "What is wrong?" not in text
    assert "classified correctly" not in text
    assert status_line(view).endswith("no review images")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_version_worse_than_the_names_is_called_so_at_the_very_end(width: int) -> None:
    screen = words(drawn(round_screen(sample.view(worse_round())), width))
    start = screen.index("Worse than matching names: version 2 has 0 of 48 held-out images correct")
    assert start > screen.index("What would fix it?")
    assert screen[start:].count(".") == 1
    assert "Worse than matching names" not in drawn(round_screen(sample.view()))


def test_an_unmeasured_proposal_claims_no_effect() -> None:
    view = sample.view_without_images()
    text = drawn(offer_block("1.", view.offers[0], view.system))
    assert text.startswith("1. · data\n")


def test_unknown_words_are_listed() -> None:
    text = words(drawn(unknown_words(["teal", "[red]", *map(str, range(30))])))
    assert '"teal", "[red]"' in text
    assert "and 12 more" in text


def test_the_worst_classes_are_those_with_most_to_win() -> None:
    findings = sample.view().findings
    assert findings is not None
    assert [report.name for report in worst_classes(findings.classes, 3)] == ["Mew"]
    assert "Houndour ↔ Mew" in drawn(pair_table(findings.pairs))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("view", [sample.view(), sample.view_without_images()])
def test_classes_without_rules_are_named_with_images_and_without(view: View, width: int) -> None:
    assert "no rules yet" not in words(drawn(round_screen(view), width))
    for names, have in ((sample.NAMES[:1], "1 class has"), (sample.NAMES[1:3], "2 classes have")):
        bare = replace(view, system=view.system.with_rules({name: {} for name in names}))
        text = words(drawn(round_screen(bare), width))
        assert f"{have} no rules yet: {', '.join(names)}." in text
