"""What a session keeps of its flags."""

from pathlib import Path

from builder.cli.file_inputs import spec_of
from builder.cli.settings import pinned
from builder.encoders.open import open_encoder
from builder.encoders.protocol import Encoder
from builder.system.file import EncoderIdentity
from builder.system.model import Fitted, Scoring
from tests.worlds import started


def test_a_hub_checkpoint_is_kept_at_the_commit_that_was_opened(clip_folder: Path) -> None:
    encoder = open_encoder(str(clip_folder))
    spec = f"openai/clip@{encoder.revision}"
    for named in ("openai/clip", "openai/clip@main"):
        assert pinned(started(encoder=named), encoder).encoder == spec
    spec = f"jinaai/jina-clip-v2@{encoder.revision}:truncate_dim=64"
    assert pinned(started(encoder="jina-clip-v2:truncate_dim=64"), encoder).encoder == spec
    for kept in (str(clip_folder), "miniature", None):
        assert pinned(started(encoder=kept), encoder).encoder == kept
    assert pinned(started(encoder="openai/clip"), None).encoder == "openai/clip"


def test_what_was_fitted_with_another_encoder_is_no_part_of_a_session(clip_folder: Path) -> None:
    encoder = open_encoder(str(clip_folder))
    weights = {"It is {}.": 2.0}

    def kept(fingerprint: str, opened: Encoder | None) -> Scoring:
        fitted = Fitted(parts=("weights",), encoder=fingerprint, images=9)
        scoring = Scoring(rule="log", weights=weights, fitted=fitted)
        settings = started(encoder="openai/clip").model_copy(update={"scoring": scoring})
        return pinned(settings, opened).scoring

    assert kept(encoder.fingerprint, encoder).weights == weights
    assert kept("another", encoder) == kept(encoder.fingerprint, None) == Scoring(rule="log")


def test_an_exported_system_is_scored_with_the_checkpoint_that_measured_it(
    clip_folder: Path,
) -> None:
    def spec(name: str) -> str:
        encoder = EncoderIdentity(name=name, revision="c0ffee", fingerprint="f", logit_scale=1)
        return spec_of(encoder)

    assert spec("openai/clip") == "openai/clip@c0ffee"
    assert spec("jinaai/jina-clip-v2:task=retrieval.query") == (
        "jinaai/jina-clip-v2@c0ffee:task=retrieval.query"
    )
    assert spec("miniature") == "miniature"
    assert spec(str(clip_folder)) == str(clip_folder)
