"""Every screen of the review for class lists in any language, in wide and narrow terminals."""

import io
import re
import unicodedata
from collections.abc import Iterator, Sequence

import pytest
from PIL import Image
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.text import Text

from builder.proposals.from_data import suggest
from builder.review.view import Offer
from builder.session.state import fold
from builder.session.story import story_of
from builder.session.versions import edits_between_steps, find_point
from builder.terminal import rounds
from builder.terminal.diagnosis_tables import (
    class_table,
    group_block,
    pair_table,
    weak_table,
)
from builder.terminal.difference import difference_screen
from builder.terminal.events import record_line
from builder.terminal.gallery import view_images
from builder.terminal.log import log_screen
from builder.terminal.text import ELLIPSIS, MARK, labels, shortened
from tests.terminal.bidi import turned
from tests.terminal.languages import TONGUES, Tongue, records, view
from tests.terminal.scripted import BACK, Scripted

pytestmark = pytest.mark.usefixtures("ordinary_terminal")

WIDTHS = (80, 40)
COLOUR_CODES = re.compile(r"\x1b\[[0-9;]*m")
every_tongue = pytest.mark.parametrize("tongue", TONGUES.values(), ids=TONGUES)


class Album:
    def __init__(self, tongue: Tongue) -> None:
        self.tongue = tongue

    def name(self, digest: str) -> str:
        return f"{self.tongue.classes[0]}/{digest}.png"

    def open(self, digest: str) -> Image.Image:  # noqa: ARG002
        return Image.new("RGB", (80, 80), "red")


def drawn(width: int, *parts: RenderableType) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, emoji=False, markup=False)
    console.print(Group(*parts))
    return out.getvalue().splitlines()


def assert_nothing_is_turned(line: str, tongue: Tongue) -> None:
    """What a terminal draws from the right is a name or words of it, and nothing beside them."""
    known = "\n".join([*tongue.texts, f"{tongue.groups[0]} 2", f"{tongue.classes[0]} 3"])
    for part in turned(line):
        assert part.strip() in known, line


def screens(tongue: Tongue) -> Iterator[RenderableType]:
    """All that the review, the log and the difference show, one after the other."""
    for seen in (view(tongue, 4), view(tongue), view(tongue, -1), view(tongue, 99)):
        assert seen.findings is not None
        yield rounds.round_screen(seen)
        yield Text(f"{rounds.status_line(seen)}\n{rounds.proposals_left(seen)}")
        yield class_table(seen.findings.classes)
        yield pair_table(seen.findings.pairs)
        yield group_block(seen.findings)
        yield weak_table(seen.findings.groups)
        for offer in seen.offers:
            yield rounds.offer_block("Proposal:", offer, seen.system)
        for proposal in suggest(seen.findings.review, seen.system):
            yield rounds.offer_block("Proposal:", Offer(proposal, None), seen.system)
    everything = records(tongue)
    state = fold(everything)
    story = story_of((record, "2026-01-02T03:04:05.678+00:00") for record in everything)
    yield log_screen(story, [""] * len(story.stretches), "")
    for names in ("12", "23"):
        points = [find_point(state, name) for name in names]
        yield difference_screen(*points, edits_between_steps(*(p.steps for p in points)))
    for count in range(1, len(everything) + 1):
        yield Text(record_line(everything[count - 1], fold(everything[:count])) or "")


@every_tongue
@pytest.mark.parametrize("width", WIDTHS)
def test_every_screen_holds_its_lines_and_turns_nothing_around(tongue: Tongue, width: int) -> None:
    for line in drawn(width, *screens(tongue)):
        assert cell_len(line) <= width
        assert_nothing_is_turned(line, tongue)


@every_tongue
@pytest.mark.parametrize("width", WIDTHS)
def test_names_are_whole_and_columns_aligned(tongue: Tongue, width: int) -> None:
    findings = view(tongue).findings
    assert findings is not None
    lines = drawn(width, class_table(findings.classes))
    for word in " ".join(tongue.classes).split():
        assert any(word in line for line in lines)
    if width == 80:
        rows = [line for line in lines if re.search(r"\d of \d +\d", line)]
        ends = {cell_len(line[: line.index(" %") + 2]) for line in rows}
        assert (len(rows), len(ends)) == (4, 1)


@every_tongue
def test_what_is_cut_says_so_and_leaves_no_letter_without_its_marks(tongue: Tongue) -> None:
    for text in (tongue.note, tongue.classes[2] * 9):
        for limit in range(2, 24):
            shown = shortened(text, limit).removesuffix(MARK)
            assert shown.endswith(ELLIPSIS)
            kept = shown.removesuffix(ELLIPSIS)
            assert text.startswith(kept)
            assert cell_len(shown) <= limit
            assert unicodedata.category(text[len(kept)])[0] != "M"


class Picking(Scripted):
    """Takes the last entry of each list, and keeps what the lists showed."""

    def __init__(self, *answers: object) -> None:
        super().__init__(*answers)
        self.lists: list[str] = []

    def pick(self, title: str, texts: Sequence[str], default: str | None = None) -> str | None:
        self.lists += [title, *labels(texts)]
        return default or texts[-1]


@every_tongue
@pytest.mark.parametrize("width", WIDTHS)
def test_images_are_shown_beside_names_in_any_language(tongue: Tongue, width: int) -> None:
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=True, color_system="truecolor", width=width, height=24
    )
    seen = view(tongue)
    asker = Picking("w", "n", BACK, "p", BACK, "c", BACK, BACK)
    view_images(asker, console, seen, Album(tongue))
    broken = next(o.proposal for o in seen.offers if o.effect and o.effect.broken)
    view_images(Scripted("n", BACK), console, seen, Album(tongue), broken)
    lines = COLOUR_CODES.sub("", out.getvalue()).splitlines()
    assert not asker.answers
    assert all(cell_len(line) <= width for line in lines)
    for line in [*lines, *asker.lists]:
        assert_nothing_is_turned(line, tongue)
    said = " ".join("\n".join(lines).replace(MARK, "").replace("▄", "").split())
    assert f'"{tongue.classes[2]}", taken for "{tongue.classes[1]}"' in said
    worst = asker.lists[asker.lists.index("Which class?") + 1]
    assert worst.replace(MARK, "") == f"{tongue.classes[2]} · 0 of 3 correct"
