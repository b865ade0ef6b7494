"""The public Python entries: an exported file gives the same predictions wherever it is read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from builder import Classifier, Prediction, load_system, open_encoder
from builder.cli.save import system_file
from builder.data.images import Skipped
from builder.data.pictures import Crop
from builder.encoders.protocol import Vectors
from builder.encoders.streaming import Picture
from builder.scoring.score import score
from builder.session.records import Drafted
from builder.session.state import fold
from builder.system.file import (
    Calibration,
    EncoderIdentity,
    Provenance,
    SystemFile,
    write_system_file,
)
from builder.system.model import Scoring
from tests.worlds import GOOD, encode, images, started

LABELS = list(GOOD.classes) * 5
VECTORS = images(LABELS, noise=0.1, seed=4)


class KnownVectors:
    """An encoder of the phrases of tests.worlds; its images are looked up by their first pixel."""

    name = revision = fingerprint = "known vectors"
    logit_scale = 20.0

    def __init__(self) -> None:
        self.shown: list[tuple[int, int]] = []

    def encode_images(self, pictures: list[Image.Image]) -> Vectors:
        self.shown = [picture.size for picture in pictures]
        assert all(picture.mode == "RGB" for picture in pictures)
        return np.stack([VECTORS[picture.getpixel((0, 0))[0]] for picture in pictures])  # type: ignore[index]

    def encode_texts(self, texts: list[str]) -> Vectors:
        return encode(texts)

    def unknown_words(self, texts: list[str]) -> list[tuple[str, ...]]:
        return [() for _ in texts]


def read_back(file: SystemFile, folder: Path) -> SystemFile:
    path = folder / "export.json"
    path.write_text(write_system_file(file), encoding="utf-8")
    return load_system(path)


def test_an_export_read_back_predicts_the_same_bit_for_bit(tmp_path: Path) -> None:
    for scoring in (Scoring(), Scoring(scale=1.0), Scoring(rule="log", scale=7.3)):
        state = fold([started(scoring=scoring), Drafted(system=GOOD, source="test")])
        before = score(
            GOOD, VECTORS, encode(GOOD.phrases()), LABELS, scoring=scoring, logit_scale=20.0
        )
        file = read_back(system_file(state, None, final=None), tmp_path)
        assert file.scoring == scoring
        found = Classifier(file, KnownVectors()).predict_vectors(VECTORS)
        assert [p.class_name for p in found] == [GOOD.classes[k] for k in before.predictions]
        assert [p.score for p in found] == before.totals.max(axis=1).tolist()


def test_pictures_are_prepared_as_they_were_for_the_session() -> None:
    provenance = Provenance(
        created="2026-01-01T00:00:00Z", cotbuild="0", crop=(0.0, 0.0, 0.5, 0.25)
    )
    file = SystemFile(system=GOOD, provenance=provenance)
    encoder = KnownVectors()
    gray = [Image.new("L", (40, 80), index) for index in range(3)]
    found = Classifier(file, encoder).predict(gray)
    assert encoder.shown == [(20, 20)] * 3
    assert [p.class_name for p in found] == LABELS[:3]
    assert found[0].seen.keys() == {"colour", "form"}
    assert found[0].seen["colour"] in GOOD.group("colour").options


def test_a_real_encoder_opens_by_the_public_name(clip_folder: Path) -> None:
    encoder = open_encoder(str(clip_folder))
    picture = Image.new("RGB", (32, 32), "red")
    (found,) = Classifier(SystemFile(system=GOOD), encoder).predict([picture])
    assert found.class_name in GOOD.classes
    assert 0 < found.score <= 2


def classifier(clip_folder: Path, *, fingerprint: str = "", crop: Crop | None = None) -> Classifier:
    """A calibrated system whose provenance names the encoder, or another fingerprint."""
    encoder = open_encoder(str(clip_folder), device="cpu")
    identity = EncoderIdentity(
        name="test",
        revision="1",
        fingerprint=fingerprint or encoder.fingerprint,
        logit_scale=encoder.logit_scale,
    )
    provenance = Provenance(
        created="2026-01-01T00:00:00Z", cotbuild="0", encoder=identity, crop=(0, 0, 1, 0.5)
    )
    calibration = Calibration(temperature=0.1, n=40)
    file = SystemFile(system=GOOD, calibration=calibration, provenance=provenance)
    return Classifier(file, encoder, crop=crop)


def test_confidence_is_calibrated_where_images_are_seen_as_they_were(clip_folder: Path) -> None:
    picture = Image.new("RGB", (32, 32), "red")
    (found,) = classifier(clip_folder).predict([picture])
    assert found.calibrated
    (other,) = classifier(clip_folder, fingerprint="another").predict([picture])
    assert not other.calibrated
    assert other.class_name == found.class_name
    assert other.confidence < found.confidence
    (cropped,) = classifier(clip_folder, crop=Crop(0, 0, 0.5, 0.5)).predict([picture])
    assert not cropped.calibrated
    (same,) = classifier(clip_folder, crop=Crop(0, 0, 1, 0.5)).predict([picture])
    assert same == found


def totals(prediction: Prediction) -> dict[str, float]:
    return {ranked.class_name: ranked.score for ranked in prediction.ranking}


def test_a_stream_predicts_what_a_list_does(clip_folder: Path, tmp_path: Path) -> None:
    pictures: list[Picture] = []
    for number, colour in enumerate(["red", "blue", "green", "white"] * 10):
        pictures.append(tmp_path / f"{number}.png")
        Image.new("RGB", (32, 48), colour).save(tmp_path / f"{number}.png")
    whole = [Image.open(path) for path in pictures]  # type: ignore[arg-type]
    ready = classifier(clip_folder)
    expected = ready.predict(whole)
    pictures.insert(7, tmp_path / "missing.png")
    found = list(ready.stream(iter(pictures)))
    assert [picture for picture, _ in found] == pictures
    assert found.pop(7) == (
        tmp_path / "missing.png",
        Skipped(str(tmp_path / "missing.png"), "there is no such file"),
    )
    for (_, prediction), other in zip(found, expected, strict=True):
        assert isinstance(prediction, Prediction)
        # Batches differ, and with them the last bits, on which near-ties hang.
        assert totals(prediction) == pytest.approx(totals(other), abs=1e-4)
        assert prediction.confidence == pytest.approx(other.confidence, abs=1e-4)
    assert list(ready.stream([])) == []
