"""The conversation about the images behind a number: which ones, then one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from PIL import Image
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from builder.diagnosis.images import Case, Seen, changed_cases, class_cases, pair_cases, wrong_cases
from builder.edits.model import Proposal
from builder.review.findings import Findings
from builder.review.view import View
from builder.scoring.wording import counted
from builder.system.model import Choice
from builder.terminal.asker import Asker, Key
from builder.terminal.help import images_explanation
from builder.terminal.menu import behind
from builder.terminal.pictures import Way, complaint, drawn, way_to_draw
from builder.terminal.tables import NARROW, Pieces, Rows
from builder.terminal.text import LONG, labels, plain, quoted, shortened

_NAME, _OPTION = 30, 24
_EXPLAIN = Key("?", "explain")
# The menu below a picture, with the blank lines around it.
_MENU_LINES = 4
_FEWEST_ROWS, _MOST_ROWS = 6, 24
# Nobody looks at more; all of thousands would take a second to collect.
_MOST_SHOWN = 200
_COLUMN_GAP = 2

Role = Literal["", "fixed", "broken"]


class Pictures(Protocol):
    """The images of the session, by the digests that a view has."""

    def name(self, digest: str) -> str:
        """What to call it: its file."""

    def open(self, digest: str) -> Image.Image | None:
        """The picture as the encoder sees it; None if there is no such file any more."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """One image of a series; `role`: what becomes of it with the proposal that is looked at."""

    case: Case
    role: Role = ""


def view_images(
    asker: Asker, console: Console, view: View, pictures: Pictures, proposal: Proposal | None = None
) -> None:
    """Shows review images until the person goes back: those that they choose, or a proposal's.

    Raises EditError for a proposal that does not fit.
    """
    if view.findings is None or not view.findings.review.n:
        console.print(Text("There are no review images to look at."))
        return
    if words := complaint(console):
        console.print(Text(words))
    gallery = _Gallery(asker, console, view, pictures, way_to_draw(console))
    if proposal is None:
        gallery.choose(view.findings)
    else:
        gallery.changes(view.findings, proposal)


@dataclass(frozen=True, slots=True)
class _Gallery:
    asker: Asker
    console: Console
    view: View
    pictures: Pictures
    way: Way

    def choose(self, findings: Findings) -> None:
        """Asks for images, shows them, and asks again."""
        while (series := self._series(findings)) is not None:
            self._show_all(series)

    def changes(self, findings: Findings, proposal: Proposal) -> None:
        """The images that the proposal makes right, then those that it makes wrong."""
        tried = self.view.try_out(proposal)
        if tried is None:
            return
        changed, after = tried
        found = changed_cases(findings.review, self.view.system, after, changed)
        series = [_Shown(case, "fixed") for case in found.fixed]
        series += [_Shown(case, "broken") for case in found.broken]
        if not series:
            self.console.print(Text("It makes no image right, and none wrong."))
        self._show_all(series)

    def _series(self, findings: Findings) -> list[_Shown] | None:
        """The images that the person chooses; none if they change their mind, None to go back."""
        review, menu = findings.review, dict[Key, Callable[[], tuple[Case, ...]]]()
        if wrong := int((~review.correct).sum()):
            most = f"the worst {_MOST_SHOWN} of " if wrong > _MOST_SHOWN else ""
            key = Key("w", f"{most}{counted(wrong, 'wrong image')}")
            menu[key] = lambda: wrong_cases(review, self.view.system, _MOST_SHOWN)
        if findings.pairs:
            menu[Key("p", "a confused pair")] = lambda: self._of_a_pair(findings)
        menu[Key("c", "a class")] = lambda: self._of_a_class(findings)
        cases = behind(menu, self._key("Which images?", list(menu)))
        return None if cases is None else [_Shown(case) for case in cases()]

    def _of_a_pair(self, findings: Findings) -> tuple[Case, ...]:
        # Names may hold anything, so the number is what tells two lines apart.
        lines = [
            f"{number}. {shortened(pair.first, _NAME)} ↔ {shortened(pair.second, _NAME)} · "
            f"{counted(pair.count, 'image')}"
            for number, pair in enumerate(findings.pairs, start=1)
        ]
        line = self.asker.pick("Which pair?", lines)
        if line is None:
            return ()
        pair = findings.pairs[lines.index(line)]
        return pair_cases(findings.review, self.view.system, pair.first, pair.second)

    def _of_a_class(self, findings: Findings) -> tuple[Case, ...]:
        worst_first = sorted(findings.classes, key=lambda report: report.correct - report.n)
        reports = [report for report in worst_first if report.n]
        names = labels([report.name for report in reports], _NAME)
        lines = [
            f"{name} · {report.correct} of {report.n} correct"
            for name, report in zip(names, reports, strict=True)
        ]
        line = self.asker.pick("Which class?", lines) if lines else None
        if line is None:
            return ()
        return class_cases(findings.review, self.view.system, reports[lines.index(line)].name)

    def _show_all(self, series: Sequence[_Shown]) -> None:
        """Shows one image after the other, back and forth."""
        number = 0
        while 0 <= number < len(series):
            self.console.print()
            self._show(series[number], f"{number + 1} of {len(series)}")
            self.console.print()
            last = number == len(series) - 1
            keys = [Key("n", "done" if last else "next")]
            if number:
                keys.append(Key("p", "previous"))
            match self._key(f"{number + 1} of {len(series)}", keys):
                case "n":
                    number += 1
                case "p":
                    number -= 1
                case _:
                    return

    def _show(self, shown: _Shown, place: str) -> None:
        digest = self.view.digests[shown.case.index]
        head = Group(
            Text(f"{place} · {_heading(shown)}", style="bold"),
            plain(self.pictures.name(digest), LONG, "dim"),
        )
        evidence = _Evidence(shown.case)
        picture = None if self.way == "none" else self.pictures.open(digest)
        for part in self._laid_out(head, picture, evidence):
            self.console.print(part)

    def _laid_out(
        self, head: RenderableType, picture: Image.Image | None, evidence: RenderableType
    ) -> Sequence[RenderableType]:
        """What to print, one after the other, so that picture, words and menu share the screen."""
        if picture is None:
            gone = Text("The picture can't be shown: its file is gone, unreadable or has changed.")
            return (head, evidence) if self.way == "none" else (head, gone, evidence)
        width = self.console.width
        if self.way != "blocks":
            rows = self._rows_left(head, evidence)
            return head, drawn(picture, self.way, width, rows), evidence
        # Coarse as they are, half blocks get as much of the height as there is.
        if width >= NARROW:
            blocks = drawn(picture, self.way, width // 2, self._rows_left(head))
            return head, _side_by_side(blocks, evidence)
        blocks = drawn(picture, self.way, width // 2, self._rows_left(evidence))
        return _side_by_side(blocks, head), evidence

    def _rows_left(self, *others: RenderableType) -> int:
        """Rows for a picture on a screen that also holds `others` and the menu."""
        taken = len(self.console.render_lines(Group(*others))) + _MENU_LINES
        return max(_FEWEST_ROWS, min(_MOST_ROWS, self.console.height - taken))

    def _key(self, title: str, keys: Sequence[Key]) -> str | None:
        """The key pressed; the figures are explained as often as that is asked for."""
        while (key := self.asker.key(title, [*keys, _EXPLAIN])) == _EXPLAIN.key:
            self.console.print(images_explanation())
        return key


def _side_by_side(image: RenderableType, words: RenderableType) -> Table:
    grid = Table.grid(padding=(0, _COLUMN_GAP, 0, 0), expand=True)
    grid.add_column()
    grid.add_column(ratio=1, overflow="fold")
    grid.add_row(image, words)
    return grid


def _heading(shown: _Shown) -> str:
    """What the image is, and what was made of it."""
    case = shown.case
    label = "a class without rules" if case.label is None else quoted(case.label, _NAME)
    predicted = quoted(case.predicted, _NAME)
    if case.correct:
        return f"{label}, classified correctly"
    when = {"": "", "fixed": " without it", "broken": " with it"}[shown.role]
    role = f"{shown.role}: " if shown.role else ""
    return f"{role}{label}, taken for {predicted}{when}{_ahead(case.margin)}"


def _ahead(margin: float | None) -> str:
    """How far the wrong class's total is above that of the true one."""
    if margin is None:
        return ""
    if not margin:
        return " (a tie; class order decided)"
    return f" (ahead by {margin:.2f})" if margin >= 0.005 else " (ahead by less than 0.01)"


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What each group saw, against the rules: a table, or where it is narrow, what misled first."""

    case: Case

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        groups = self.case.groups
        if options.max_width >= NARROW:
            yield _table(self.case, groups)
            return
        misled = [seen for seen in groups if seen.misled]
        others = [_in_short(seen) for seen in groups if not seen.misled]
        if misled:
            yield _table(self.case, misled)
        if others and self.case.label is not None:
            which = "did not mislead" if misled else "each group"
            yield Text(f"{which} (% of its rule)", style="dim")
        yield Pieces(others)


def _table(case: Case, groups: Sequence[Seen]) -> Rows:
    headers = ["", "rule", "saw"]
    if not case.correct:
        headers.append(f"{shortened(case.predicted, _OPTION)} has")
    return Rows(headers, [_row(seen)[: len(headers)] for seen in groups])


def _row(seen: Seen) -> tuple[str, str, str, str]:
    name = shortened(seen.group, _NAME)
    rule = "" if seen.p_ruled is None else _chosen(seen.ruled, seen.p_ruled)
    saw = "the same" if seen.ruled == (seen.seen,) else _chosen((seen.seen,), seen.p_seen)
    predicted = _chosen(seen.of_predicted, seen.p_predicted)
    if rule and seen.of_predicted == seen.ruled:
        predicted = "the same rule"
    elif seen.of_predicted == (seen.seen,):
        predicted = "what it saw"
    return f"{name} (misled)" if seen.misled else name, rule, saw, predicted


def _in_short(seen: Seen) -> str:
    """A group that did not mislead: the rule, and what it saw if that is something else."""
    name, rule, saw, _ = _row(seen)
    parts = [rule, "" if saw == "the same" else f"saw {saw}"]
    return f"{name} {', '.join(part for part in parts if part)}"


def _chosen(options: Choice, p: float) -> str:
    """E.g. "12 % a desert"; of several options, what they have on average."""
    names = shortened(" or ".join(shortened(o, _OPTION) for o in options)) or "nothing"
    return f"{100 * p:.0f} % {names}"
