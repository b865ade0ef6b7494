"""What a session keeps of its flags."""

from pathlib import Path

from builder.cli.comparison import _spec
from builder.cli.settings import pinned
from builder.encoders.open import open_encoder
from builder.system_file import EncoderIdentity
from tests.worlds import started


def test_a_hub_checkpoint_is_kept_at_the_commit_that_was_opened(clip_folder: Path) -> None:
    encoder = open_encoder(str(clip_folder))
    spec = f"openai/clip@{encoder.revision}"
    assert pinned(started(encoder="openai/clip"), encoder).encoder == spec
    for kept in (str(clip_folder), "miniature", "openai/clip@main", None):
        assert pinned(started(encoder=kept), encoder).encoder == kept
    assert pinned(started(encoder="openai/clip"), None).encoder == "openai/clip"


def test_an_exported_system_is_scored_with_the_checkpoint_that_measured_it(
    clip_folder: Path,
) -> None:
    def spec(name: str) -> str:
        return _spec(EncoderIdentity(name=name, revision="c0ffee", fingerprint="f", logit_scale=1))

    assert spec("openai/clip") == "openai/clip@c0ffee"
    assert spec("miniature") == "miniature"
    assert spec(str(clip_folder)) == str(clip_folder)
