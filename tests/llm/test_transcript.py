from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import InputError
from builder.llm.transcript import Exchange, Question, append, read, scrubbed, writable
from builder.llm.transport import ask


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_every_reply_comes_back_as_it_was(tmp_path_factory, replies: list[str]) -> None:  # type: ignore[no-untyped-def]
    path: Path = tmp_path_factory.mktemp("transcript") / "llm.jsonl"
    for reply in replies:
        append(path, Exchange(purpose="revise", reply=reply))
    assert [entry.reply for entry in read(path).exchanges] == replies


def test_what_no_file_can_hold_is_replaced_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "llm.jsonl"
    append(path, Exchange(purpose="revise", reply="a\ud800b\udfff 😀", error="\udc00"))
    (entry,) = read(path).exchanges
    assert (entry.reply, entry.error) == ("a\ufffdb\ufffd 😀", "\ufffd")


@given(st.text(st.characters(exclude_categories=())))
def test_writable_text_can_be_written(text: str) -> None:
    written = writable(text)
    assert written.encode().decode() == written and len(written) == len(text)
    assert all(a == b or "\ud800" <= a <= "\udfff" for a, b in zip(text, written, strict=True))


def test_a_line_torn_by_a_crash_is_left_out_and_spoils_nothing_after_it(tmp_path: Path) -> None:
    path = tmp_path / "llm.jsonl"
    append(path, Exchange(purpose="one"))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:-20])
    assert [entry.purpose for entry in read(path).exchanges] == ["one"]
    append(path, Exchange(purpose="two"))
    assert [entry.purpose for entry in read(path).exchanges] == ["one", "two"]


@given(st.lists(st.text(alphabet='aδ😀\n"{', min_size=1), min_size=1, max_size=3), st.data())
def test_a_transcript_cut_at_any_byte_keeps_what_was_whole_and_goes_on(
    tmp_path_factory: pytest.TempPathFactory, replies: list[str], data: st.DataObject
) -> None:
    path: Path = tmp_path_factory.mktemp("transcript") / "llm.jsonl"
    for reply in replies:
        append(path, Exchange(purpose="über", reply=reply))
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    left = [entry.reply for entry in read(path).exchanges]
    # A line whose line break alone is missing is whole.
    assert left == replies[: (whole[:cut] + b"\n").count(b"}\n")]
    append(path, Exchange(purpose="next", reply="δ"))
    assert [entry.reply for entry in read(path).exchanges] == [*left, "δ"]


def test_every_cut_of_a_line_beyond_ascii_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "llm.jsonl"
    append(path, Exchange(purpose="one", reply="Beedrill δ 😀"))
    line = path.read_bytes()
    for cut in range(len(line) - 1):
        path.write_bytes(line + line[:cut])
        assert len(read(path).exchanges) == 1


def test_a_file_of_another_kind_is_no_transcript(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(b"\x89PNG\n\xff\xfe")
    with pytest.raises(InputError, match="line 1 is no recorded"):
        read(path)


def test_requests_are_told_apart_by_all_that_they_say() -> None:
    keys = {
        Question("draft groups", ask("a"), {}).key,
        Question("draft groups again", ask("a"), {}).key,
        Question("draft groups", ask("b"), {}).key,
        Question("draft groups", ask("a"), {"title": "x"}).key,
    }
    assert len(keys) == 4
    assert Question("draft groups", ask("a"), {}).key in keys


def test_scrubbing() -> None:
    assert scrubbed("a long-secret b", "long-secret") == "a [key] b"
    assert scrubbed("no key", "") == "no key"
