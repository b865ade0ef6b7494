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
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub.errors import StrictDataclassError
from PIL import Image
from safetensors import SafetensorError
from transformers import AutoImageProcessor, AutoModel, CLIPTokenizer, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from builder.encoders.checkpoint import cosine_factor, model_type, weight_files
from builder.encoders.devices import pick_device, pick_dtype, unit_rows
from builder.encoders.protocol import Located, Pixels, Vectors, Wanted
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


def locate(wanted: Wanted) -> Located:
    """The encoder of a checkpoint without its weights. Raises EncoderError or InputError."""
    device, dtype = pick_device(wanted.device), pick_dtype(wanted.dtype)
    return Located(
        wanted.name,
        wanted.revision,
        "",
        load_preprocessing(wanted.folder, wanted.name),
        partial(
            load_pretrained,
            wanted.folder,
            name=wanted.name,
            revision=wanted.revision,
            device=device,
            dtype=dtype,
        ),
    )


class PretrainedEncoder:
    """An Encoder (see protocol) on one device; made by `load_pretrained`."""

    batch_size = 32

    def __init__(
        self,
        *,
        name: str,
        revision: str,
        fingerprint: str,
        family: str,
        model: Any,
        preprocessing: "Preprocessing",
        tokenizer: Any,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.name, self.revision, self.fingerprint = name, revision, fingerprint
        self.logit_scale = cosine_factor(name, float(model.logit_scale.detach()))
        self._family = family
        self._model = model
        self._preprocessing = preprocessing
        self._tokenizer = tokenizer
        self._device = device
        self._dtype = dtype
        # One short text through the whole tower: shows a wrong tokenizer at once, and d.
        self._dimension = self.encode_texts(["a"]).shape[1]

    def preprocess(self, image: Image.Image) -> Pixels:
        return self._preprocessing(image)

    def encode_pixels(self, batch: Sequence[Pixels]) -> Vectors:
        if not batch:
            return np.empty((0, self._dimension), dtype=np.float32)
        inputs = {key: torch.from_numpy(np.stack([p[key] for p in batch])) for key in batch[0]}
        inputs["pixel_values"] = inputs["pixel_values"].to(self._dtype)
        on_device = {key: values.to(self._device) for key, values in inputs.items()}
        with torch.inference_mode():
            features = self._model.get_image_features(**on_device).pooler_output
        names = [f"image {number} of {len(batch)}" for number in range(1, len(batch) + 1)]
        return self._unit_rows(features, names)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        return self.encode_pixels([self.preprocess(image) for image in images])

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
            f"The tokenizer of {self.name} does not belong to its text tower: {why}.", hint=_AGAIN
        )

    def _unit_rows(self, features: torch.Tensor, inputs: Sequence[str]) -> Vectors:
        return unit_rows(features, inputs, name=self.name, dtype=self._dtype)


class Preprocessing:
    """A checkpoint's own image processor; needs no weights."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor

    def __call__(self, image: Image.Image) -> Pixels:
        inputs = self._processor(images=[image], return_tensors="np")
        return {key: np.asarray(values)[0] for key, values in inputs.items()}


def load_preprocessing(folder: Path, name: str) -> Preprocessing:
    """The checkpoint's image processor, from preprocessor_config.json. Raises EncoderError."""
    with _quiet_transformers(), _loading_errors_translated(name):
        processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, local_files_only=True, trust_remote_code=False, backend="pil"
        )
    return Preprocessing(processor)


def load_pretrained(
    folder: Path, *, name: str, revision: str, device: torch.device, dtype: torch.dtype
) -> PretrainedEncoder:
    """The encoder in a folder with config, preprocessor, tokenizer and weights.

    Raises EncoderError for other model types, weights that are missing, unexpected, of a wrong
    shape or not finite, a logit_scale out of range, and a tokenizer that does not fit.
    """
    family = model_type(folder, name)
    if not weight_files(folder):
        raise EncoderError(
            f"{name} holds no weights (model.safetensors).", hint="Download them into the folder."
        )
    with _quiet_transformers(), _loading_errors_translated(name):
        model, report = AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            dtype=dtype,
            output_loading_info=True,
        )
        tokenizer = _load_tokenizer(folder, name, family)
    if tokenizer.pad_token is None:
        raise EncoderError(
            f"{name} does not say with which token its texts are padded.",
            hint="Add tokenizer_config.json and special_tokens_map.json from its page, or name "
            "another checkpoint.",
        )
    _check_weights(model, report, name)
    return PretrainedEncoder(
        name=name,
        revision=revision,
        fingerprint=_fingerprint(folder, family, revision, dtype),
        family=family,
        model=model.eval().to(device),
        preprocessing=load_preprocessing(folder, name),
        tokenizer=tokenizer,
        device=device,
        dtype=dtype,
    )


@contextlib.contextmanager
def _loading_errors_translated(name: str) -> Iterator[None]:
    try:
        yield
    except _LOADING_ERRORS as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EncoderError(f"{name} cannot be loaded: {reason}", hint=_AGAIN) from error


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


def _fingerprint(folder: Path, family: str, revision: str, dtype: torch.dtype) -> str:
    """A hash of what was published; the library's own objects change with its version.

    The revision already stands for one model's content, wherever it lies and whatever its name.
    """
    preprocessing = [
        (folder / file).read_text(encoding="utf-8") if (folder / file).is_file() else ""
        for file in _PREPROCESSING_FILES
    ]
    parts = [family, revision, *preprocessing, str(dtype).removeprefix("torch."), str(_PREPARATION)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@contextlib.contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Silences the library's log: what matters in it is raised as an error here."""
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
