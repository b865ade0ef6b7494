"""`log` and `diff` on the screen: readable at 40 columns, and nobody's text drives the terminal."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from builder.edits.locks import Lock
from builder.edits.model import Proposal, RenameClass
from builder.scoring.statistics import Effect
from builder.session.records import Decided, Exported, Locked, Noted, Record, Reverted
from builder.session.story import Story, story_of
from builder.session.versions import edits_between_steps, find_point
from builder.terminal.difference import difference_screen
from builder.terminal.log import log_screen
from tests.terminal.sample import evaluator, measured, proposals, records, system

NASTY = "[red]Ab\x1b[31msol[/red]"
HELPS, ADDS, BREAKS = proposals()


def decided(proposal: Proposal, decision: str = "accepted", by: str = "person") -> Decided:
    effect = Effect(n=48, fixed=9, broken=1)
    return Decided.model_validate(
        {"proposal": proposal, "decision": decision, "by": by, "effect": effect}
    )


def story(*more: Record, begun: list[Record] | None = None) -> Story:
    everything = [*(begun or records()), *more]
    return story_of((record, "2026-01-02T03:04:05.678+00:00") for record in everything)


def played() -> Story:
    state = story(decided(HELPS, by="auto")).state
    assert state.system is not None
    return story(
        decided(HELPS, by="auto"),
        decided(BREAKS, "rejected"),
        Noted(text=f"mind {NASTY}\nand its tail"),
        Locked(lock=Lock(group="color")),
        measured(evaluator(), state.system, 2),
        Exported(path="/x/export.json", version=2, images="f", final="1" * 9 + "0"),
        decided(Proposal(edits=(RenameClass(class_name="Mew", to=NASTY),), source="person")),
        decided(ADDS.model_copy(update={"source": "person"})),
    )


def drawn(screen: RenderableType, width: int) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, emoji=False, markup=False)
    console.print(screen)
    return out.getvalue()


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_whole_story_fits_the_screen(width: int) -> None:
    text = drawn(
        log_screen(played(), ["", "1,234 tokens, $0.01", ""], "1,234 tokens, $0.01"), width
    )
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert "\x1b" not in text
    said = flat(text)
    for words in (
        "version 2 (best)",
        "fixed",
        "From the data, accepted by --auto: +16.7 pp (9 fixed, 1 broken) on review",
        "Mew · background: a desert -> a forest",
        "Rejected, from the",
        "Locked: group color.",
        'Note: "mind [red]Ab\\x1b[31msol[/red] and its tail"',
        "Language model: 1,234 tokens, $0.01.",
        "Since then, not measured yet",
        "rename class Mew to [red]Ab\\x1b[31msol[/red]",
        "on the final images: 9 of 10, 90.0 % (60–98 %).",
        "The final images were looked at 1 time.",
        "confirmed against version 1: ",
        "Held-out images were looked at 2 times.",
    ):
        assert words in said, words


def test_a_change_is_told_with_its_exact_test_and_only_on_the_same_images() -> None:
    text = flat(drawn(log_screen(played(), [""] * 3, ""), 120))
    assert "fixed, 0 broken, p" in text
    other = measured(evaluator(), system(), 2).model_copy(update={"images": "others"})
    text = flat(drawn(log_screen(story(other), [""] * 3, ""), 120))
    assert "on other images" in text
    assert "p =" not in text


def test_a_proposal_that_was_edited_first_names_both() -> None:
    own = ADDS.model_copy(update={"source": "person", "edits": HELPS.edits})
    told = story(decided(own).model_copy(update={"instead_of": ADDS}))
    text = flat(drawn(log_screen(told, [""] * 2, ""), 80))
    assert "From you, from a proposal of the model, accepted by you" in text


def test_a_session_without_images_or_without_a_draft() -> None:
    begun = [record for record in records() if record.kind != "measured"]
    told = story(decided(HELPS), begun=begun)
    assert "not measured yet" in drawn(log_screen(told, [""], ""), 80)
    told = story(begun=records()[:1])
    assert "0 versions" in drawn(log_screen(told, [""], ""), 40)


@pytest.mark.parametrize("width", [40, 80])
def test_a_difference_shows_edits_proposals_and_the_comparison(width: int) -> None:
    state = played().state
    before, after = find_point(state, "1"), find_point(state, "now")
    text = drawn(
        difference_screen(before, after, edits_between_steps(before.steps, after.steps)), width
    )
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert "\x1b" not in text
    said = flat(text)
    assert "rename class Mew to [red]Ab\\x1b[31msol[/red]" in said
    assert "3 proposals accepted" in said
    assert "The working system: not measured." in said
    assert "Change:" not in said
    second = find_point(state, "2")
    said = flat(drawn(difference_screen(before, second, ()), 80))
    assert "Both are the same." in said
    assert "0 broken, p" in said


def test_a_return_is_told_by_what_it_takes_back() -> None:
    state = story(*[decided(HELPS), Reverted(version=1)]).state
    one, now = find_point(state, "1"), find_point(state, "now")
    assert one.system == now.system
    text = flat(drawn(log_screen(story(decided(HELPS), Reverted(version=1)), ["", ""], ""), 80))
    assert "Since then Back to version 1." in text
