"""The report in a real browser: it stays quiet, fits, and does what a click asks for.

Run with: python -m pytest -n 0 --override-ini addopts= tests/browser
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from builder.report.chosen_failures import PER_CELL
from builder.report.page import page
from tests.browser.chromium import chromium
from tests.report.sample import hostile_world, large_world, small_world

WIDTHS = (1280, 768, 390)
# Called by whatever of a hostile name should run after all.
TRAP = "window.stop = () => { window.stopped = true; };"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    made = {"small": small_world(), "hostile": hostile_world(), "large": large_world()}
    for name, world in made.items():
        (folder / f"{name}.html").write_text(page(world.contents()), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


@contextmanager
def opened(browser: Any, report: Path, width: int = 1280, **settings: Any) -> Iterator[Any]:
    """The page in a window of its own; whatever it says or asks for is an error."""
    said: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 800}, **settings)
    context.add_init_script(TRAP)
    tab = context.new_page()
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: said.extend(_foreign(request.url, report)))
    tab.goto(report.as_uri())
    yield tab
    assert said == []
    context.close()


def _foreign(url: str, report: Path) -> list[str]:
    return [] if url.split("#")[0] == report.as_uri() or url.startswith("data:") else [url]


def visible_panels(tab: Any) -> list[str]:
    found: list[str] = tab.eval_on_selector_all(
        ".panel", "all => all.filter(e => e.checkVisibility()).map(e => e.id)"
    )
    return found


@pytest.mark.parametrize("name", ["small", "hostile", "large"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_and_says_nothing(
    browser: Any, reports: dict[str, Path], name: str, scheme: str, width: int
) -> None:
    with opened(browser, reports[name], width, color_scheme=scheme) as tab:
        # Wide tables scroll in their own frames; the page never does.
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        dark = tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 23, 25)"
        assert dark == (scheme == "dark")
        loaded = tab.eval_on_selector_all("img", "all => all.every(e => e.naturalWidth > 0)")
        assert loaded


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_click_on_a_cell_shows_its_images(
    browser: Any, reports: dict[str, Path], width: int, scripts: bool
) -> None:
    with opened(browser, reports["small"], width, java_script_enabled=scripts) as tab:
        links = tab.locator("#confusions td:not(.diagonal) a")
        last = links.nth(links.count() - 1)
        target = last.get_attribute("href")
        last.click()
        panel = tab.locator(target)
        assert panel.is_visible()
        assert panel.locator("img").count() == min(PER_CELL, int(last.inner_text()))
        assert panel.locator(".evidence").first.is_visible()
        others = tab.locator(f".panel:not({target})")
        assert not any(others.nth(place).is_visible() for place in range(others.count()))
        box = panel.bounding_box()
        assert 0 <= box["y"] < 800


def test_the_keyboard_opens_a_cell_and_escape_closes_it(
    browser: Any, reports: dict[str, Path]
) -> None:
    with opened(browser, reports["small"], 768) as tab:
        assert visible_panels(tab) == []
        link = tab.locator("#confusions a").first
        link.focus()
        tab.keyboard.press("Enter")
        assert [f"#{name}" for name in visible_panels(tab)] == [link.get_attribute("href")]
        tab.keyboard.press("Escape")
        assert visible_panels(tab) == []


def test_beside_the_map_the_first_cell_is_open(browser: Any, reports: dict[str, Path]) -> None:
    with opened(browser, reports["small"]) as tab:
        first = tab.locator(".panel").first.get_attribute("id")
        assert visible_panels(tab) == [first]


def test_the_diagonal_can_be_hidden(browser: Any, reports: dict[str, Path]) -> None:
    color = "e => getComputedStyle(e).color"
    with opened(browser, reports["small"]) as tab:
        right, wrong = (
            tab.locator(f"#confusions td[style]{kind}").first
            for kind in (".diagonal", ":not(.diagonal)")
        )
        tab.get_by_label("Hide the right ones").check()
        assert right.evaluate(color) == "rgba(0, 0, 0, 0)"
        assert wrong.evaluate(color) != "rgba(0, 0, 0, 0)"
        tab.get_by_label("Hide the right ones").uncheck()
        assert right.evaluate(color) != "rgba(0, 0, 0, 0)"


def test_a_failure_leads_to_its_evidence(browser: Any, reports: dict[str, Path]) -> None:
    with opened(browser, reports["small"]) as tab:
        tile = tab.locator(".gallery a").last
        tile.click()
        assert [f"#{name}" for name in visible_panels(tab)] == [tile.get_attribute("href")]


def test_the_rules_can_be_searched(browser: Any, reports: dict[str, Path]) -> None:
    with opened(browser, reports["small"]) as tab:
        rows = "#rules tbody tr:visible"
        assert tab.locator(rows).count() == 4
        tab.get_by_label("Search").fill("beedrill Δ")
        assert tab.locator(rows).all_inner_texts()[0].startswith("Beedrill δ")
        assert tab.locator(rows).count() == 1
        assert tab.locator("#found").inner_text() == "1 of 4"
        tab.get_by_label("Search").fill("nothing like it")
        assert tab.locator(rows).count() == 0
        tab.get_by_label("Search").fill("")
        assert tab.locator(rows).count() == 4


def test_without_scripts_there_is_no_search_but_everything_to_read(
    browser: Any, reports: dict[str, Path]
) -> None:
    with opened(browser, reports["small"], java_script_enabled=False) as tab:
        assert not tab.get_by_label("Search").is_visible()
        assert tab.locator("#rules tbody tr:visible").count() == 4


def test_nothing_of_a_hostile_name_runs(browser: Any, reports: dict[str, Path]) -> None:
    with opened(browser, reports["hostile"]) as tab:
        tab.eval_on_selector_all(
            "body *",
            "all => all.forEach(e => ['mouseover', 'focus', 'error', 'load'].forEach("
            "kind => e.dispatchEvent(new Event(kind))))",
        )
        for place in range(tab.locator("#confusions a").count()):
            tab.locator("#confusions a").nth(place).click()
        tab.get_by_label("Search").fill("<script>")
        assert tab.evaluate("window.stopped") is None
        assert tab.evaluate("document.scripts.length") == 1


def test_a_script_that_is_not_its_own_is_not_run(
    browser: Any, reports: dict[str, Path], tmp_path: Path
) -> None:
    """The second wall, should text ever become an element."""
    text = reports["small"].read_text(encoding="utf-8")
    broken = tmp_path / "broken.html"
    broken.write_text(text.replace("<main>", "<main><script>stop()</script>"), encoding="utf-8")
    context = browser.new_context()
    context.add_init_script(TRAP)
    tab = context.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(broken.as_uri())
    assert tab.evaluate("window.stopped") is None
    assert any("Content Security Policy" in words for words in said)
    context.close()


def test_on_paper_only_what_can_be_read_is_printed(browser: Any, reports: dict[str, Path]) -> None:
    with opened(browser, reports["small"], color_scheme="dark") as tab:
        tab.emulate_media(media="print")
        assert not tab.locator("nav").is_visible()
        assert not tab.locator(".search").is_visible()
        assert visible_panels(tab) == []
        assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(255, 255, 255)"
        )
        assert tab.pdf(format="A4").startswith(b"%PDF")
