"""The table of encoders, and the verdict of a comparison."""

import pytest
from rich.cells import cell_len

from builder.terminal.encoders import (
    DifferenceRow,
    EncoderRow,
    encoders_table,
    megabytes,
    verdict_screen,
)
from tests.terminal.test_render import WIDTHS, drawn

V1 = EncoderRow("jina-clip-v1", "Apache-2.0", 890_633_308, 768, 224, False, False, ("unseen",))
V2 = EncoderRow("jina-clip-v2", "CC-BY-NC-4.0", 1_730_688_642, 1024, 512, True, True, ())
TOY = EncoderRow("miniature", "Apache-2.0", 0, 256, 72, True, None, ("a toy", "for cards"))
TEXTS = DifferenceRow("texts", 15, 3.1e-7, 0.99999999, "fox")
IMAGES = DifferenceRow("images", 6, 0.38, 0.71, "waves [grey].jpg\x1b[2J")


def words(text: str) -> str:
    return " ".join(text.split())


def test_each_encoder_with_what_a_user_must_know() -> None:
    lines = drawn(encoders_table([V1, V2, TOY], "and any other")).splitlines()
    rows = {
        line.split()[0]: line.split()[1:] for line in lines if line.startswith(("jina", "mini"))
    }
    assert [line.split() for line in lines[2:5]] == [
        ["jina-clip-v1", "Apache-2.0", "891", "MB", "768", "224", "px", "no", "no"],
        ["jina-clip-v2", "CC-BY-NC-4.0", "1.73", "GB", "1024", "512", "px", "yes", "yes"],
        ["miniature", "Apache-2.0", "none", "256", "72", "px", "yes"],
    ]
    assert rows["jina-clip-v1:"] == ["unseen."]
    assert rows["miniature:"] == ["a", "toy;", "for", "cards."]
    assert "jina-clip-v2:" not in rows
    assert "and any other" in words("\n".join(lines))


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_lost_on_a_narrow_screen(width: int) -> None:
    text = drawn(encoders_table([V1, V2, TOY], "and any other"), width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    for part in (
        "jina-clip-v1",
        "CC-BY-NC-4.0",
        "1.73 GB",
        "1024",
        "512 px",
        "unseen",
        "any other",
    ):
        assert part in words(text)


def test_agreement() -> None:
    text = drawn(verdict_screen("v1", "Weights: fine.", [TEXTS], tolerance=1e-4, agrees=True))
    assert "Weights: fine." in text
    assert ["texts", "15", "3.1e-07", "1.0000000", "fox"] in [
        line.split() for line in text.splitlines()
    ]
    assert "No difference exceeds the 1e-04 that is allowed." in text
    assert text.endswith("Verdict: it agrees.\n")


@pytest.mark.parametrize("width", WIDTHS)
def test_disagreement_says_what_differs_and_how_much_that_is(width: int) -> None:
    screen = verdict_screen("v1", "Weights.", [TEXTS, IMAGES], tolerance=1e-4, agrees=False)
    text = drawn(screen, width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert "\x1b" not in text
    assert "The images differ by 3.8e-01; 1e-04 is allowed." in words(text)
    assert "The texts differ" not in words(text)
    assert "a forgotten LoRA 4e-01" in words(text)
    assert words(text).endswith("Verdict: it does not agree.")


def test_other_weights_are_a_disagreement_even_where_nothing_differs() -> None:
    text = drawn(verdict_screen("v1", "Others.", [TEXTS], tolerance=1e-4, agrees=False))
    assert "No difference exceeds" in text
    assert text.endswith("Verdict: it does not agree.\n")


@pytest.mark.parametrize(
    ("count", "words"), [(890_633_308, "891 MB"), (1_730_688_642, "1.73 GB"), (4_960, "0 MB")]
)
def test_sizes_read_as_on_the_hub(count: int, words: str) -> None:
    assert megabytes(count) == words
