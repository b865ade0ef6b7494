"""What is remembered of comparisons on this machine."""

import dataclasses
import json
from pathlib import Path

import pytest

from builder.encoders.catalog import KNOWN
from builder.encoders.jina import verify
from builder.encoders.jina.config import PREPARATION
from builder.encoders.jina.verify import Agreement, Comparison, is_verified, remember
from builder.errors import EncoderError

V1, V2 = KNOWN
VERDICT = Agreement(
    (Comparison("texts", 15, 3e-7, 1.0, "a"), Comparison("images", 6, 2e-7, 1.0, "b"))
)


def test_it_is_remembered_for_just_these_weights(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "cotbuild"
    assert not is_verified(folder, V1, "1.0")
    remember(folder, V1, "1.0", VERDICT)
    assert is_verified(folder, V1, "1.0")
    assert not is_verified(folder, V2, "1.0")
    for change in ({"commit": "0" * 40}, {"weights_sha256": "0" * 64}, {"name": "other"}):
        assert not is_verified(folder, dataclasses.replace(V1, **change), "1.0")


def test_what_another_version_computes_was_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(tmp_path, V1, "1.0", VERDICT)
    assert not is_verified(tmp_path, V1, "1.1")
    monkeypatch.setattr(verify, "PREPARATION", PREPARATION + 1)
    assert not is_verified(tmp_path, V1, "1.0")


def test_one_model_does_not_make_another_forgotten(tmp_path: Path) -> None:
    remember(tmp_path, V1, "1.0", VERDICT)
    remember(tmp_path, V2, "1.0", VERDICT)
    assert is_verified(tmp_path, V1, "1.0")
    assert is_verified(tmp_path, V2, "1.0")
    assert [path.name for path in tmp_path.iterdir()] == ["verified.json"]
    kept = json.loads((tmp_path / "verified.json").read_text())
    assert list(kept.values()) == 2 * [{"texts": 3e-7, "images": 2e-7}]


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"jina-clip-v1"', b"[" * 100_000]
)
def test_a_damaged_file_means_not_verified(tmp_path: Path, damage: bytes) -> None:
    remember(tmp_path, V1, "1.0", VERDICT)
    (tmp_path / "verified.json").write_bytes(damage)
    assert not is_verified(tmp_path, V1, "1.0")
    remember(tmp_path, V2, "1.0", VERDICT)
    assert is_verified(tmp_path, V2, "1.0")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EncoderError, match=r"verified\.json can't be written") as caught:
        remember(tmp_path / "file", V1, "1.0", VERDICT)
    assert "COTBUILD_CACHE" in caught.value.hint
    assert not is_verified(tmp_path / "file", V1, "1.0")


def test_a_write_that_fails_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(tmp_path, V1, "1.0", VERDICT)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(EncoderError, match="No space left"):
        remember(tmp_path, V2, "1.0", VERDICT)
    assert is_verified(tmp_path, V1, "1.0")
    assert [path.name for path in tmp_path.iterdir()] == ["verified.json"]
