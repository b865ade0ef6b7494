"""How encoders are named."""

from pathlib import Path

import pytest

from builder.encoders.catalog import KNOWN
from builder.encoders.spec import EncoderSpec
from builder.errors import CotbuildError, EncoderError, InputError

V1, V2 = KNOWN


@pytest.mark.parametrize("spec", ["jina-clip-v1", "jinaai/jina-clip-v1"])
def test_a_known_model_is_opened_at_the_commit_it_is_known_at(spec: str) -> None:
    assert EncoderSpec.parse(spec) == EncoderSpec(V1.repository, revision=V1.commit)


def test_a_revision_may_be_named() -> None:
    for spec in ("jina-clip-v2@main", "jinaai/jina-clip-v2@main"):
        assert EncoderSpec.parse(spec) == EncoderSpec(V2.repository, revision="main")
    assert EncoderSpec.parse("openai/clip") == EncoderSpec("openai/clip")
    assert EncoderSpec.parse("openai/clip@v2") == EncoderSpec("openai/clip", revision="v2")


def test_options_follow_the_name() -> None:
    found = EncoderSpec.parse("jina-clip-v2@main:task=retrieval.query,truncate_dim=256")
    assert (found.truncate_dim, found.task, found.revision) == (256, "retrieval.query", "main")
    assert found.options == ":truncate_dim=256,task=retrieval.query"
    assert found.pinned("abc") == "jinaai/jina-clip-v2@abc:truncate_dim=256,task=retrieval.query"
    assert EncoderSpec.parse(found.pinned("main")) == found


def test_a_folder_keeps_its_name_and_has_no_revision(tmp_path: Path) -> None:
    (tmp_path / "a@b").mkdir()
    place = str(tmp_path / "a@b")
    assert EncoderSpec.parse(place) == EncoderSpec(place, folder=tmp_path / "a@b")
    assert EncoderSpec.parse(f"{place}:truncate_dim=32").pinned("x") == f"{place}:truncate_dim=32"


def test_a_folder_that_bears_a_known_name_is_named_as_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jina-clip-v1").mkdir()
    assert EncoderSpec.parse("jina-clip-v1").folder is None
    assert EncoderSpec.parse("./jina-clip-v1").folder == Path("jina-clip-v1")
    (tmp_path / "jinaai" / "jina-clip-v1").mkdir(parents=True)
    assert EncoderSpec.parse("jinaai/jina-clip-v1").folder == Path("jinaai/jina-clip-v1")


@pytest.mark.parametrize(
    ("spec", "title"),
    [
        ("jina-clip-v1", "jina-clip-v1"),
        (f"jinaai/jina-clip-v2@{V2.commit}:truncate_dim=64", "jina-clip-v2:truncate_dim=64"),
        ("org/a@refs/pr/3", "a@refs/pr/"),
        ("org/a@0123456789abcdef", "a@01234567"),
        ("miniature", "miniature"),
    ],
)
def test_titles_are_short(spec: str, title: str) -> None:
    assert EncoderSpec.parse(spec).title == title


def test_a_folders_title_is_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    assert EncoderSpec.parse(f"{tmp_path}/mine/").title == "mine"
    monkeypatch.chdir(tmp_path / "mine")
    assert EncoderSpec.parse("./").title == "mine"


def test_the_licence_of_a_known_model_is_known_before_it_is_here() -> None:
    assert "non-commercial" in EncoderSpec.parse("jina-clip-v2@main").licence
    assert EncoderSpec.parse("openai/clip").licence == ""


@pytest.mark.parametrize(
    "options",
    ["truncate_dim=", "truncate_dim=0", "truncate_dim=-3", "truncate_dim=1.5", "truncate_dim=x",
     "dim=3", "task=", "task=a,task=b", "truncate_dim=32,"],
)  # fmt: skip
def test_options_that_make_no_sense_are_named(options: str) -> None:
    with pytest.raises(InputError, match="option") as caught:
        EncoderSpec.parse(f"jina-clip-v2:{options}")
    assert "truncate_dim=256" in caught.value.hint


@pytest.mark.parametrize("spec", ["jina-clip-v3", "jina-clip-v1@", "jina-clip-v1:", "", "a b/c"])
def test_slips_are_told_what_is_possible(spec: str) -> None:
    with pytest.raises(EncoderError, match="Unknown encoder") as caught:
        EncoderSpec.parse(spec)
    assert "jina-clip-v1" in caught.value.hint
    assert isinstance(caught.value, CotbuildError)
