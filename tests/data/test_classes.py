"""classes.txt: what is read as it stands, and one clear message for what is not."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.data.classes import ClassEntry, read_classes
from builder.errors import InputError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "classes.txt"


def names_in(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    return [entry.name for entry in read_classes(path)]


def test_comments_blank_lines_and_descriptions(file: Path) -> None:
    file.write_bytes(
        b"# my classes\r\n\r\nAbra | a yellow fox | that sleeps\r\n  Golem\t\r\n\n#Mew\nA|B | \n"
    )
    assert read_classes(file) == (
        ClassEntry("Abra", "a yellow fox | that sleeps"),
        ClassEntry("Golem", ""),
        ClassEntry("A|B", ""),
    )


def test_a_byte_order_mark_is_no_part_of_the_first_name(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfAbra\nGolem")
    assert [entry.name for entry in read_classes(file)] == ["Abra", "Golem"]


def test_names_may_be_anything(file: Path) -> None:
    names = [
        "Beedrill δ", "Blaine's Moltres", "Celebi & Venusaur-GX", "[red]", '"quoted"', "a/b",
        "{}", "x" * 10_000, "名前", "1", "..",
    ]  # fmt: skip
    assert names_in(file, "\n".join(names)) == names


def test_accents_are_brought_to_one_form(file: Path) -> None:
    assert names_in(file, "Flabe\u0301be\u0301\nGolem") == ["Flab\u00e9b\u00e9", "Golem"]


_LINES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), min_size=1)


@given(st.lists(_LINES, min_size=2, max_size=6))
def test_whatever_is_written_is_read_back_or_refused(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    path = tmp_path_factory.mktemp("classes") / "classes.txt"
    names = [unicodedata.normalize("NFC", name.replace("|", "/").strip()) for name in names]
    readable = [name for name in names if name and not name.startswith("#")]
    distinct = {unicodedata.normalize("NFC", name.casefold()) for name in readable}
    path.write_text("\n".join(names), encoding="utf-8", newline="")
    if len(readable) >= 2 and len(distinct) == len(readable):
        assert [entry.name for entry in read_classes(path)] == readable
    else:
        with pytest.raises(InputError):
            read_classes(path)


@pytest.mark.parametrize(
    ("content", "says", "advises"),
    [
        (b"", "holds no class", "one class name a line"),
        (b"# only\n\n  \n", "holds no class", "one class name a line"),
        (b"Abra\n", "only one class, 'Abra'", "at least one more"),
        (b"Abra\nM\xe9w\n", "byte 0xe9 on line 2", "UTF-8"),
        (b"\xef\xbb\xbfAbra\n\nM\xe9w\n", "byte 0xe9 on line 3", "UTF-8"),
        (b"Abra\nMew\n\nAbra | again\n", "on line 4 is already on line 1", "Remove or rename"),
        (b"Abra\nMew\nABRA\n", "line 1 \\(there spelled 'Abra'\\)", "upper and lower case"),
        (b"Abra\nM\x1b[31mew\n", "line 2 holds the control character U\\+001B", "Delete"),
        (b"Abra\nMew | a\x00b\n", "U\\+0000", "Delete"),
        ("Abra\nMe\u2028w\n".encode(), "U\\+2028", "Delete"),
        (b"Abra\n | no name\n", "line 2 has no class name", "one class name a line"),
    ],
)  # fmt: skip
def test_a_bad_file_has_one_clear_message(
    file: Path, content: bytes, says: str, advises: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(InputError, match=says) as caught:
        read_classes(file)
    assert str(file) in caught.value.message
    assert advises in caught.value.hint
    assert caught.value.exit_code == 2


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file") as caught:
        read_classes(tmp_path / "absent.txt")
    assert caught.value.hint
    with pytest.raises(InputError, match="cannot be read: Is a directory") as caught:
        read_classes(tmp_path)
    assert "classes.txt" in caught.value.hint
