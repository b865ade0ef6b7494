"""The public Python entries: load a system, open an encoder, classify images."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from builder.data.images import Skipped
from builder.data.pictures import Crop, prepare
from builder.encoders.open import open_encoder
from builder.encoders.protocol import Encoder, Vectors
from builder.encoders.streaming import Picture, stream_vectors
from builder.encoders.vector_cache import VectorCache, encode_phrases
from builder.scoring.predict import Prediction, predictions
from builder.scoring.score import score
from builder.system.file import Calibration, SystemFile, load_system_file
from builder.system.model import scored_texts

__all__ = ["Classifier", "Prediction", "Skipped", "load_system", "open_encoder"]


def load_system(path: str | Path) -> SystemFile:
    """A system file: cotbuild's own JSON or the article's. Raises InputError.

    The result holds `.system`, `.scoring` and, where cotbuild measured it, `.calibration` and
    `.provenance`.
    """
    return load_system_file(Path(path))


class Classifier:
    """Classifies images with a system file and an encoder.

    The encoder may be another than the one that measured the system: systems carry over, at
    another accuracy; what was fitted of their scoring does not, nor does their calibration: both
    are left out (`scoring` is what remains). Without an explicit `scale`, its own logit scale is
    used. `crop` takes the place of the file's. Vectors are kept in `cache`, if there is one.
    """

    def __init__(
        self,
        file: SystemFile,
        encoder: Encoder,
        *,
        crop: Crop | None = None,
        cache: VectorCache | None = None,
    ) -> None:
        measured = file.provenance.crop if file.provenance else None
        self.file = file
        self.encoder = encoder
        self.crop = crop or (Crop(*measured) if measured else None)
        self._cache = cache
        self.scoring = file.scoring.for_encoder(encoder.fingerprint)
        texts = scored_texts(file.system, self.scoring)
        self._texts = encode_phrases(encoder, cache, texts)

    @property
    def calibration(self) -> Calibration | None:
        """The file's calibration; None unless encoder and crop are those it was fitted with."""
        provenance = self.file.provenance
        if provenance is None or provenance.encoder is None:
            return None
        same_crop = self.crop == (Crop(*provenance.crop) if provenance.crop else None)
        same_encoder = self.encoder.fingerprint == provenance.encoder.fingerprint
        return self.file.calibration if same_crop and same_encoder else None

    def predict(self, images: Sequence[Image.Image]) -> list[Prediction]:
        """One prediction per image; `images` are whole pictures, the crop is applied here."""
        return self.predict_vectors(
            self.encoder.encode_images([prepare(image, self.crop) for image in images])
        )

    def stream(self, pictures: Iterable[Picture]) -> Iterator[tuple[Picture, Prediction | Skipped]]:
        """Each picture with its prediction, in order; an unusable one with the reason instead.

        `pictures` are paths of files or whole pictures. They are taken from the iterable, in a
        thread of its own, no faster than they are classified, so that there may be any number of
        them; what they give comes as soon as they do. Raises EncoderError.
        """
        for batch in stream_vectors(self.encoder, self._cache, pictures, crop=self.crop):
            vectors = [found for _, found in batch if not isinstance(found, Skipped)]
            predicted = iter(self.predict_vectors(np.stack(vectors)) if vectors else ())
            for picture, found in batch:
                yield picture, found if isinstance(found, Skipped) else next(predicted)

    def predict_vectors(self, vectors: Vectors) -> list[Prediction]:
        """One prediction per image vector; `vectors` [n, d] are this encoder's."""
        system = self.file.system
        scores = score(
            system,
            vectors,
            self._texts,
            [system.classes[0]] * len(vectors),
            scoring=self.scoring,
            logit_scale=self.encoder.logit_scale,
        )
        return list(predictions(system, scores, self.calibration))
