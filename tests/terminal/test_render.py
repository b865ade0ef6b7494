"""What the commands print, and the lines of a running session."""

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from builder.edits.locks import Lock
from builder.edits.model import DropGroup, Proposal
from builder.errors import CotbuildError, InputError
from builder.scoring.beside_accuracy import Beside
from builder.session.records import (
    Assigned,
    Decided,
    Exported,
    Locked,
    Noted,
    Proposed,
    Redone,
    Reverted,
    RoundEnded,
    Undone,
    Unlocked,
)
from builder.session.state import fold
from builder.system.checks import check
from builder.system.model import make_system
from builder.terminal.console import progress_console, result_console
from builder.terminal.events import record_line
from builder.terminal.render import (
    ControlRow,
    ScoreCell,
    ScoreRow,
    checks_table,
    control_table,
    error_panel,
    score_table,
)
from builder.terminal.tables import Rows
from tests.terminal import sample

WIDTHS = (80, 40, 20)


def drawn(renderable: RenderableType, width: int = 80) -> str:
    console = Console(width=width, highlight=False, emoji=False, markup=False, color_system=None)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def test_an_error_says_what_and_what_next() -> None:
    error = InputError("the file is empty", hint="write one class a line")
    assert drawn(error_panel(error)) == "Error: the file is empty\n  next: write one class a line\n"
    assert drawn(error_panel(CotbuildError("it broke"))) == "Error: it broke\n"


@pytest.mark.parametrize("width", WIDTHS)
def test_an_error_with_any_text_stays_on_the_screen(width: int) -> None:
    lines = ["[red]", "\x1b[2J", "x" * 10_000, "{}", *(f"line {i}" for i in range(5000))]
    text = drawn(error_panel(CotbuildError("\n".join(lines), hint="\n".join(lines))), width)
    assert "[red]" in text
    assert "\x1b" not in text
    assert "line 5" in text
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert len(text) < 20_000


@pytest.mark.parametrize("width", WIDTHS)
def test_a_command_in_a_hint_stays_in_one_piece(width: int) -> None:
    line = f"cotbuild resume 'two  blanks and [red]/{'x' * 500}'"
    console = Console(width=width, highlight=False, color_system=None)
    with console.capture() as captured:
        hint = f"go on with:\n{line}\x1b[2J\nor ask"
        console.print(error_panel(CotbuildError("no", hint=hint)), crop=False)
    assert f"{line}\\x1b[2J" in captured.get().splitlines()


CELL = ScoreCell(
    correct=42,
    n=48,
    low=0.753,
    high=0.942,
    class_mean=0.8,
    among_best_5=1.0,
    over_names=12.5,
    over_best=-2.1,
)
NAMES = ScoreCell(
    correct=36,
    n=48,
    low=0.612,
    high=0.851,
    class_mean=0.7,
    among_best_5=0.99,
    over_names=None,
    over_best=None,
)


def test_scores_of_one_encoder() -> None:
    rows = [ScoreRow('"name"', 4, (NAMES,)), ScoreRow("[red].json", 51, (CELL,))]
    text = drawn(score_table(rows, ["some-clip"], looked_at="0.1,0.1,0.9,0.5"), 100)
    lines = text.splitlines()
    assert "36 of 48" in lines[2]
    assert "pp" not in lines[2]
    figures = "51 42 of 48 87.5 % 75–94 % +12.5 pp -2.1 pp"
    assert lines[3].split() == ["[red].json", *figures.split()]
    assert "48 images, cropped to 0.1,0.1,0.9,0.5." in text


def test_scores_of_two_encoders_stand_side_by_side_with_the_gains_below() -> None:
    rows = [
        ScoreRow("name", 4, (NAMES, NAMES)),
        ScoreRow("pokemon.json at own scale", 51, (CELL, CELL)),
    ]
    lines = drawn(score_table(rows, ["jina-clip-v1", "jina-clip-v2"]), 80).splitlines()
    assert [" ".join(line.split()) for line in [lines[0], *lines[2:6]]] == [
        "texts jina-clip-v1 jina-clip-v2",
        "name 4 75.0 % (61–85 %) 75.0 % (61–85 %)",
        "pokemon.json at own scale 51 87.5 % (75–94 %) 87.5 % (75–94 %)",
        "↳ over names +12.5 pp +12.5 pp",
        "↳ over best -2.1 pp -2.1 pp",
    ]


def test_what_belongs_beside_an_accuracy_stands_below_it() -> None:
    beside: tuple[Beside, ...] = ("class_mean", "among_best_5")
    rows = [ScoreRow("name", 4, (NAMES,)), ScoreRow("export.json", 51, (CELL,))]
    text = drawn(score_table(rows, ["jina-clip-v1"], beside=beside))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[2] == "name 4 36 of 48 75.0 % 61–85 %"
    assert lines[3:5] == ["↳ class mean 70.0 %", "↳ in best 5 99.0 %"]
    assert lines[6:8] == ["↳ class mean 80.0 %", "↳ in best 5 100.0 %"]
    assert "Class mean: the mean over classes. In best 5:" in " ".join(lines)
    rows = [ScoreRow("name", 4, (NAMES, CELL))]
    text = drawn(score_table(rows, ["a", "b"], beside=beside[:1]))
    assert "↳ class mean 70.0 % 80.0 %" in " ".join(text.split())
    assert "best 5" not in text


@pytest.mark.parametrize("width", [120, *WIDTHS])
def test_scores_of_many_encoders_are_stacked_where_they_do_not_fit(width: int) -> None:
    rows = [ScoreRow("x" * 10_000, 51, (CELL,) * 4)]
    encoders = ["clip", "[red]", "jina", "z" * 1000]
    text = drawn(score_table(rows, encoders), width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    for encoder in encoders[:3]:
        assert encoder in text
    assert text.replace("\n", "").replace(" ", "").count("87.5%(75–94%)") == 4


def test_checks_of_a_file() -> None:
    alike = make_system(
        "card",
        sample.system().groups,
        {name: {"color": "black", "background": "space"} for name in ("[red]", "\x1b[2J")},
    )
    text = drawn(checks_table("my.json", alike, check(alike)), 200)
    assert text.startswith("my.json: 2 classes, 2 groups, 6 options\n")
    assert "no encoder can exceed 50.0 % with these rules alone" in text
    assert "'[red]'" in text
    assert "\x1b" not in text
    sound = sample.system()
    assert "tell all classes apart" in drawn(checks_table("my.json", sound, check(sound)))


def test_a_table_is_a_table_or_a_stack() -> None:
    rows = Rows(("name", "n", "note"), [("a", "1", ""), ("b" * 70, "2", "[red]")], frozenset({1}))
    wide, narrow = drawn(rows, 80), drawn(rows, 59)
    assert "name" in wide.splitlines()[0]
    assert "n 1" not in wide
    assert narrow.splitlines()[:3] == ["name", "a", "  n 1"]
    assert "n 2 · note [red]" in narrow


def test_every_record_has_its_line() -> None:
    records = sample.records()
    state = fold(records)
    helpful, purple, _ = sample.proposals()
    done = Decided(proposal=helpful, decision="accepted", by="person", effect=None)
    assert record_line(records[1], fold(records[:2])) == (
        "First system, from some-model: 4 classes, 2 groups, 6 options."
    )
    assert record_line(records[2], fold(records[:3])) == (
        "Version 1 on held-out images: 42 of 48, 87.5 % (75–94 %), the best so far."
    )
    assert record_line(records[3], state) == "3 proposals in round 1."
    assert record_line(done, fold([*records, done])) == (
        "Accepted: Mew · background: a desert -> a forest"
    )
    no = Decided(proposal=purple, decision="rejected", by="person", reason="no \x1b[2J")
    line = record_line(no, fold([*records, no]))
    assert line == 'Rejected: color: new option "purple" and 1 more edit (no \\x1b[2J)'
    undone = [*records, done, Undone(of="last")]
    assert record_line(undone[-1], fold(undone)) == (
        "Taken back: accepted Mew · background: a desert -> a forest. Nothing is left to undo."
    )
    assert record_line(Redone(), fold([*undone, Redone()])) == (
        "Done again: accepted Mew · background: a desert -> a forest."
    )
    both = Decided(proposal=purple, decision="accepted", by="person", together=True)
    undone = [*records, done, both, Undone(of="last")]
    assert record_line(undone[-1], fold(undone)) == (
        "Taken back: accepted Mew · background: a desert -> a forest and 1 more. Nothing is left "
        "to undo."
    )
    noted = [*records, Noted(text="tails"), Undone(of="last")]
    assert 'note "tails"' in (record_line(noted[-1], fold(noted)) or "")
    lock = Lock(class_name="Mew", group="color")
    lost = Proposal(edits=(DropGroup(group="color"),), source="person")
    dropped = Decided(proposal=lost, decision="accepted", by="person")
    assert "(1 lock went with it)" in (
        record_line(dropped, fold([*records, Locked(lock=lock), dropped])) or ""
    )
    locked = [*records, Locked(lock=lock)]
    assert "Locked: rule Mew · color." in (record_line(locked[-1], fold(locked)) or "")
    assert record_line(Unlocked(lock=lock), state) == "Unlocked: rule Mew · color."
    assert "lock on rule Mew · color" in (
        record_line(Undone(of="last"), fold([*locked, Undone(of="last")])) or ""
    )
    assert "version 1 again" in (record_line(Reverted(version=1), state) or "")
    assert "next request" in (record_line(Noted(text="x"), state) or "")
    assert record_line(RoundEnded(round=1), state) is None
    assert record_line(Proposed(round=1, asked=False, proposals=()), state) == (
        "No proposals in round 1."
    )
    splits = Assigned(splits={"a": "review", "b": "held_out", "c": "review"})
    assert record_line(splits, state) == "3 new images: 2 for review, 1 held out."
    final = Exported(path="out.json", version=1, final="1101")
    assert "on the final images: 3 of 4, 75.0 %" in (record_line(final, state) or "")
    bare = Exported(path="out.json", version=1, final=None)
    assert "no untouched estimate" in (record_line(bare, state) or "")


@pytest.mark.parametrize("variable", ["NO_COLOR", "TERM"])
def test_no_colour_where_none_is_wanted(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    result_console().print(error_panel(CotbuildError("it broke")))
    assert "\x1b[1;31m" in capsys.readouterr().out
    monkeypatch.setenv(variable, {"NO_COLOR": "1", "TERM": "dumb"}[variable])
    progress_console().print(error_panel(CotbuildError("it broke")))
    out, err = capsys.readouterr()
    assert out == ""
    assert "31m" not in err
    assert "Error: " in err


def test_nothing_printed_is_read_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    for console in (result_console(), progress_console()):
        console.print("[bold]Mew[/bold] :smile: 'x' 12")
    assert capsys.readouterr() == ("[bold]Mew[/bold] :smile: 'x' 12\n",) * 2


@pytest.mark.parametrize("width", WIDTHS)
def test_controls_say_what_they_mean(width: int) -> None:
    row = ControlRow(
        of="[red]\x1b[2J.json",
        control="rules shuffled: another class's answers",
        draws=20,
        mean=4.8,
        n=48,
        low=0.04,
        high=0.21,
        least=1,
        most=12,
    )
    drawing = drawn(control_table([row, row]), width)
    assert all(cell_len(line) <= width for line in drawing.splitlines())
    assert "\x1b" not in drawing
    text = " ".join(drawing.split())
    assert "10.0 %" in text
    assert "2.1 % to 25.0 %" in text
    assert text.count("Rules shuffled: another class's answers.") == 1
