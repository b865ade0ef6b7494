"""The public Python entries: load a system, open an encoder, classify images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from builder.data import Crop, prepare
from builder.encoders.open import open_encoder
from builder.encoders.protocol import Encoder, Vectors
from builder.scoring import score
from builder.system_file import SystemFile, load_system_file

__all__ = ["Classifier", "Prediction", "load_system", "open_encoder"]


def load_system(path: str | Path) -> SystemFile:
    """A system file: cotbuild's own JSON or the article's. Raises InputError.

    The result holds `.system`, `.scoring` and, where cotbuild measured it, `.provenance`.
    """
    return load_system_file(Path(path))


@dataclass(frozen=True, slots=True)
class Prediction:
    """The best class, its total score, and per group the option the encoder saw most of."""

    class_name: str
    score: float
    seen: dict[str, str]


class Classifier:
    """A system file and an encoder, ready for images.

    The encoder may be another than the one that measured the system: systems carry over, at
    another accuracy. Without an explicit `scale`, its own logit scale is used.
    """

    def __init__(self, file: SystemFile, encoder: Encoder) -> None:
        self.file = file
        self.encoder = encoder
        self._phrases = encoder.encode_texts(file.system.phrases())

    def predict(self, images: Sequence[Image.Image]) -> list[Prediction]:
        """One prediction an image; `images` are whole pictures, the file's crop is applied here."""
        crop = self.file.provenance.crop if self.file.provenance else None
        box = Crop(*crop) if crop else None
        return self.predict_vectors(
            self.encoder.encode_images([prepare(image, box) for image in images])
        )

    def predict_vectors(self, vectors: Vectors) -> list[Prediction]:
        """The same from image vectors [n, d] of this encoder."""
        system = self.file.system
        scores = score(
            system,
            vectors,
            self._phrases,
            [system.classes[0]] * len(vectors),
            scoring=self.file.scoring,
            logit_scale=self.encoder.logit_scale,
        )
        seen = [
            [group.options[k] for k in probabilities.argmax(axis=1)]
            for group, probabilities in zip(system.groups, scores.probabilities, strict=True)
        ]
        names = [group.name for group in system.groups]
        return [
            Prediction(
                class_name=system.classes[best],
                score=float(scores.totals[row, best]),
                seen={name: options[row] for name, options in zip(names, seen, strict=True)},
            )
            for row, best in enumerate(scores.predictions)
        ]
