"""Which files of a checkpoint are read, what it lacks, and what can't be read at all."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from builder.encoders.checkpoint import (
    content_revision,
    cosine_factor,
    lacks_files,
    model_type,
    wanted_files,
)
from builder.errors import EncoderError

REST = ("config.json", "preprocessor_config.json", "tokenizer.json")
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
OLDER = ("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin")


def test_weights_come_last_and_of_one_kind() -> None:
    others = ["README.md", "onnx/model.onnx", "open_clip_model.safetensors", "tf_model.h5"]
    published = [*others, *SHARDS, *OLDER, "model.safetensors.index.json", *REST, "merges.txt"]
    wanted = ["model.safetensors.index.json", *SHARDS]
    assert wanted_files(published) == [*REST, "merges.txt", *sorted(wanted)]
    older = ["pytorch_model.bin", "config.json"]
    assert wanted_files([*others[:1], *older]) == ["config.json", "pytorch_model.bin"]
    assert wanted_files([]) == []


@pytest.mark.parametrize(
    ("names", "lacks"),
    [
        ((*REST, "model.safetensors"), False),
        ((*REST, "pytorch_model.bin"), False),
        ((*REST, *SHARDS), False),
        ((*REST, *OLDER), False),
        ((*REST, SHARDS[1]), True),
        ((*REST, SHARDS[0], OLDER[1]), True),
        ((*REST, "model.safetensors.index.json"), True),
        (REST, True),
        (("config.json", "processor_config.json", "tokenizer.json", "model.safetensors"), False),
        ((*REST[:2], "vocab.json", "merges.txt", "model.safetensors"), False),
        ((*REST[:2], "vocab.json", "model.safetensors"), True),
        ((*REST[1:], "model.safetensors"), True),
        ((REST[0], REST[2], "model.safetensors"), True),
        ((), True),
    ],
)
def test_what_no_checkpoint_does_without(tmp_path: Path, names: Sequence[str], lacks: bool) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    assert lacks_files(tmp_path) == lacks


def test_a_link_to_nothing_is_no_file(tmp_path: Path) -> None:
    for name in REST:
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "model.safetensors").symlink_to(tmp_path / "gone")
    assert lacks_files(tmp_path)


def test_a_config_nested_without_end(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[" * 200_000)
    with pytest.raises(EncoderError, match=r"config\.json cannot be read"):
        model_type(tmp_path, "it")


def test_weights_that_are_a_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").mkdir()
    with pytest.raises(EncoderError, match=r"model\.safetensors cannot be read") as caught:
        content_revision(tmp_path)
    assert caught.value.hint


@pytest.mark.parametrize("logarithm", [0.0, 2.6592, math.log(100), -10.0, math.log(1e6)])
def test_a_factor_is_exponentiated(logarithm: float) -> None:
    assert cosine_factor("it", logarithm) == pytest.approx(math.exp(logarithm))


@pytest.mark.parametrize("logarithm", [200.0, -200.0, 14.0, -14.0, 1e9, math.nan, math.inf])
def test_a_factor_that_ends_every_score_is_refused(logarithm: float) -> None:
    with pytest.raises(EncoderError, match="it: its logit_scale is"):
        cosine_factor("it", logarithm)
