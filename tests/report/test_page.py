"""The whole page: its parts, what it must not show, and names that would run if they could."""

import base64
import hashlib
import re
from functools import cache

import pytest

from builder.report.page import page
from tests.report.sample import HOSTILE, World, hostile_world, small_world
from tests.report.test_templates import Reader

SECTIONS = (
    "versions", "confusions-section", "failures", "groups", "redundancy", "system", "provenance",
)  # fmt: skip


@cache
def world(hostile: bool = False) -> World:
    return hostile_world() if hostile else small_world()


@cache
def html(hostile: bool = False, images: bool = True) -> str:
    return page(world(hostile).contents(images=images))


def ids(source: str) -> list[str]:
    return [dict(a)["id"] or "" for _, a in Reader(source).tags if "id" in dict(a)]


def test_it_has_every_section_and_links_to_it() -> None:
    found = ids(html())
    assert [name for name in found if name in SECTIONS] == list(SECTIONS)
    assert len(found) == len(set(found))
    links = [dict(a)["href"] for tag, a in Reader(html()).tags if tag == "a"]
    assert {link for link in links if link} <= {f"#{name}" for name in found}
    assert any(link and link.startswith("#cell-") for link in links)


def test_it_tells_the_figures() -> None:
    text = Reader(html()).text
    state = world().state()
    best = state.best_version
    assert best is not None
    assert f"{best.correct} of {len(best.held_out)}, 95 % interval" in text
    assert "Looked at once, at the export" in text
    assert "on review +5.0 pp (4 fixed, 1 broken)" in text
    assert "1,234 tokens, $0.12" in text
    assert "1 proposal rejected" in text


def test_without_images_it_tells_of_the_system_and_its_history_alone() -> None:
    source = html(images=False)
    assert [name for name in ids(source) if name in SECTIONS] == [
        "versions", "redundancy", "system", "provenance",
    ]  # fmt: skip
    assert "data:image" not in source


def test_it_loads_nothing() -> None:
    for tag, attributes in Reader(html()).tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        for name, value in attributes:
            if name in ("src", "href", "data", "srcset", "action"):
                assert value and value.startswith(("#", "data:image/webp;base64,"))
    assert "http:" not in html()
    assert "https:" not in html()


def test_its_policy_lets_only_its_own_script_run() -> None:
    (script,) = re.findall(r"<script>(.*?)</script>", html(), flags=re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = (
        dict(a)["content"] or ""
        for _, a in Reader(html()).tags
        if dict(a).get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert f"script-src 'sha256-{digest}';" in policy
    assert "'unsafe-eval'" not in policy
    assert re.search(r"script-src[^;]*unsafe-inline", policy) is None
    # It must stand before anything that it is to bind.
    assert html().index("Content-Security-Policy") < html().index("<style>")


def test_hostile_names_make_no_element_and_no_attribute() -> None:
    kinds = {
        hostile: {
            (tag, name) for tag, attributes in Reader(html(hostile)).tags for name, _ in attributes
        }
        for hostile in (False, True)
    }
    # Nothing but what a page with harmless names has, too, or words about weak spots.
    assert kinds[True] <= kinds[False] | {("ul", "class"), ("details", "open")}
    tags = [tag for tag, _ in Reader(html(hostile=True)).tags]
    assert tags.count("script") == 1
    assert not any(name.startswith("on") for _, name in kinds[True])


@pytest.mark.parametrize("text", HOSTILE[:5])
def test_hostile_names_can_be_read(text: str) -> None:
    assert text in Reader(html(hostile=True)).text


def test_it_can_be_written() -> None:
    assert html(hostile=True).encode("utf-8")
    assert "\x1b" not in html(hostile=True)
    assert "\u202e" not in html(hostile=True)


def test_held_out_and_final_images_are_never_shown() -> None:
    contents = world().contents()
    assert contents.measured
    splits = contents.state.splits
    assert {splits[digest] for digest in contents.measured.pictures} == {"review"}
    assert set(contents.measured.findings.digests) <= {
        digest for digest, split in splits.items() if split == "review"
    }
    shown = re.findall(r"data:image/webp;base64,[\w+/=]+", html())
    assert set(shown) <= {picture.source for picture in contents.measured.pictures.values()}
    assert shown


def test_where_things_lie_on_the_owners_machine_is_not_told() -> None:
    assert "/home/somebody" not in html()
    assert "cards" in Reader(html()).text
