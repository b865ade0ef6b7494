"""CLIP, SigLIP and SigLIP 2 checkpoints, by way of the transformers library.

No code from a checkpoint is ever run, and torchvision is not needed: images are prepared by the
library's Pillow processors.
"""

import contextlib
import hashlib
import json
import logging
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub.errors import StrictDataclassError
from PIL import Image
from safetensors import SafetensorError
from transformers import AutoImageProcessor, AutoModel, CLIPTokenizer, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from builder.encoders.checkpoint import model_type, weight_files
from builder.encoders.protocol import Vectors
from builder.errors import EncoderError

# Counts the ways in which this module prepares inputs; part of the fingerprint.
_PREPARATION = 1

_LOADING_ERRORS = (
    OSError,
    ValueError,
    RuntimeError,
    TypeError,
    LookupError,
    AttributeError,
    SafetensorError,
    StrictDataclassError,
    pickle.UnpicklingError,
)
_PREPROCESSING_FILES = ("preprocessor_config.json", "processor_config.json")
_AGAIN = "Download the checkpoint again, or name another one."
# CLIP configurations that say 2 predate the setting; their pooling takes the highest token id.
_LEGACY_END_TOKEN = 2


class PretrainedEncoder:
    """An Encoder (see protocol) in float32 on one device; made by `load_pretrained`."""

    def __init__(
        self,
        *,
        name: str,
        revision: str,
        fingerprint: str,
        family: str,
        model: Any,
        image_processor: Any,
        tokenizer: Any,
        device: torch.device,
    ) -> None:
        self._name = name
        self._revision = revision
        self._fingerprint = fingerprint
        self._family = family
        self._model = model
        self._image_processor = image_processor
        self._tokenizer = tokenizer
        self._device = device
        self._logit_scale = float(model.logit_scale.detach().exp())
        # One short text through the whole tower: shows a wrong tokenizer at once, and d.
        self._dimension = self.encode_texts(["a"]).shape[1]

    @property
    def name(self) -> str:
        return self._name

    @property
    def revision(self) -> str:
        return self._revision

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    @property
    def logit_scale(self) -> float:
        return self._logit_scale

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        if not images:
            return np.empty((0, self._dimension), dtype=np.float32)
        inputs = self._image_processor(images=list(images), return_tensors="pt")
        with torch.inference_mode():
            features = self._model.get_image_features(**inputs.to(self._device)).pooler_output
        names = [f"image {number} of {len(images)}" for number in range(1, len(images) + 1)]
        return self._unit_rows(features, names)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts -> [m, d]; what is longer than the text tower's limit is cut off."""
        if not texts:
            return np.empty((0, self._dimension), dtype=np.float32)
        with torch.inference_mode():
            features = self._model.get_text_features(**self._tokenize(texts)).pooler_output
        return self._unit_rows(features, [repr(text) for text in texts])

    def unknown_words(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        return [() for _ in texts]

    def _tokenize(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        text_config = self._model.config.text_config
        is_clip = self._family == "clip"
        tokens = self._tokenizer(
            # Both SigLIPs were trained on lower case; not every published tokenizer sees to it.
            list(texts) if is_clip else [text.lower() for text in texts],
            # SigLIP pools the last position and was trained with padding up to it, unmasked.
            padding="longest" if is_clip else "max_length",
            truncation=True,
            max_length=text_config.max_position_embeddings,
            return_tensors="pt",
        )
        ids = tokens["input_ids"]
        if int(ids.max()) >= text_config.vocab_size:
            raise self._foreign_tokenizer(f"it has more than {text_config.vocab_size} tokens")
        if not is_clip:
            return {"input_ids": ids.to(self._device)}
        end = text_config.eos_token_id
        if end != _LEGACY_END_TOKEN and not bool((ids == end).any(dim=1).all()):
            raise self._foreign_tokenizer(f"it does not end texts with token {end}")
        return {
            "input_ids": ids.to(self._device),
            "attention_mask": tokens["attention_mask"].to(self._device),
        }

    def _foreign_tokenizer(self, why: str) -> EncoderError:
        return EncoderError(
            f"The tokenizer of {self._name} does not belong to its text tower: {why}.", hint=_AGAIN
        )

    def _unit_rows(self, features: torch.Tensor, inputs: Sequence[str]) -> Vectors:
        unit = torch.nn.functional.normalize(features.float(), dim=-1).cpu().numpy()
        bad = np.flatnonzero(~np.isfinite(unit).all(axis=1))
        if bad.size:
            raise EncoderError(
                f"{self._name} gave values that are not finite for {inputs[bad[0]]}.", hint=_AGAIN
            )
        return np.ascontiguousarray(unit, dtype=np.float32)


def load_pretrained(folder: Path, *, name: str, revision: str, device: str) -> PretrainedEncoder:
    """The encoder in a folder with config, preprocessor, tokenizer and weights.

    `device` is `auto` or a torch device. Raises EncoderError for other model types, weights that
    are missing, unexpected, of a wrong shape or not finite, and a tokenizer that does not fit.
    """
    family = model_type(folder, name)
    target = _pick_device(device)
    if not weight_files(folder):
        raise EncoderError(
            f"{name} holds no weights (model.safetensors).", hint="Download them into the folder."
        )
    try:
        with _quiet_transformers():
            model, report = AutoModel.from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                dtype=torch.float32,
                output_loading_info=True,
            )
            image_processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
                folder, local_files_only=True, trust_remote_code=False, backend="pil"
            )
            tokenizer = _load_tokenizer(folder, name, family)
    except _LOADING_ERRORS as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EncoderError(f"{name} cannot be loaded: {reason}", hint=_AGAIN) from error
    _check_weights(model, report, name)
    return PretrainedEncoder(
        name=name,
        revision=revision,
        fingerprint=_fingerprint(folder, family, revision),
        family=family,
        model=model.eval().to(target),
        image_processor=image_processor,
        tokenizer=tokenizer,
        device=target,
    )


def _pick_device(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        target = torch.device(device)
        torch.empty(1, device=target)
    except (RuntimeError, AssertionError) as error:
        raise EncoderError(
            f"The device {device!r} cannot be used: {str(error).splitlines()[0]}",
            hint="Use auto, cpu, or cuda on a machine with an NVIDIA card and a CUDA build of "
            "PyTorch.",
        ) from error
    return target


def _load_tokenizer(folder: Path, name: str, family: str) -> Any:
    # The published tokenizer.json is taken as it is: the library's own SigLIP class needs
    # sentencepiece, and for SigLIP 2 it guesses a class that leaves out the end token.
    if (folder / "tokenizer.json").is_file():
        return PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    if family == "clip" and (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    raise EncoderError(
        f"{name} holds no tokenizer.json.",
        hint="Download it from the checkpoint's page into the folder, or name a checkpoint that "
        "has one.",
    )


def _check_weights(model: Any, report: dict[str, Any], name: str) -> None:
    missing = sorted(report["missing_keys"])
    # Position numbers 0, 1, 2, ... that older versions of the library stored with the weights.
    unexpected = sorted(
        key for key in report["unexpected_keys"] if not key.endswith(".position_ids")
    )
    broken = sorted(
        key for key, value in model.state_dict().items() if not bool(value.isfinite().all())
    )
    for keys, what in (
        (missing, "lack weights that the model needs"),
        (unexpected, "hold weights that the model does not have"),
        (broken, "hold values that are not finite, in"),
    ):
        if keys:
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            raise EncoderError(
                f"The weights of {name} {what}: {', '.join(keys[:3])}{more}.", hint=_AGAIN
            )


def _fingerprint(folder: Path, family: str, revision: str) -> str:
    """Of what was published, not of the library's objects, which change with its version.

    The revision already stands for one model's content, wherever it lies and whatever its name.
    """
    preprocessing = [
        (folder / file).read_text(encoding="utf-8") if (folder / file).is_file() else ""
        for file in _PREPROCESSING_FILES
    ]
    parts = [family, revision, *preprocessing, "float32", str(_PREPARATION)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@contextlib.contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Its log would break into the screen; what matters in it is raised as an error here."""
    verbosity = transformers_logging.get_verbosity()
    had_bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if had_bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
