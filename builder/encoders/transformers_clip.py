"""CLIP, SigLIP and SigLIP 2 checkpoints, by way of the transformers library.

No code from a checkpoint is ever run, and torchvision is not needed: images are prepared by the
library's Pillow processors.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModel, CLIPTokenizer, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from builder.data.hugging_face import quietly, said
from builder.encoders.checkpoint import cosine_factor, first_problem, model_type, weight_files
from builder.encoders.devices import pick_device, pick_dtype, unit_rows
from builder.encoders.protocol import Encoder, Located, Pixels, Vectors, Wanted
from builder.errors import EncoderError

# Counts the ways in which this module prepares inputs; part of the fingerprint.
_PREPARATION = 1

_PREPROCESSING_FILES = ("preprocessor_config.json", "processor_config.json")
_AGAIN = "Download the checkpoint again, or name another one."
# CLIP configurations that say 2 predate the setting; their pooling takes the highest token id.
_LEGACY_END_TOKEN = 2


def locate(wanted: Wanted) -> Located:
    """The encoder of a checkpoint without its weights. Raises EncoderError or InputError."""
    # What is wrong with these is said before anything is read.
    pick_device(wanted.device)
    pick_dtype(wanted.dtype)
    preprocessing = load_preprocessing(wanted.folder, wanted.name)
    load = partial(PretrainedEncoder, wanted)
    return Located(wanted.name, wanted.revision, "", preprocessing, load)


class PretrainedEncoder(Encoder):
    """An encoder, on one device, from a folder with config, preprocessor, tokenizer and weights."""

    batch_size = 32

    def __init__(self, wanted: Wanted) -> None:
        """Reads the weights.

        Raises EncoderError for other model types, weights that are missing, unexpected, of a wrong
        shape or not finite, a logit_scale out of range, and a tokenizer that does not fit.
        """
        folder, name = wanted.folder, wanted.name
        self.name, self.revision = name, wanted.revision
        self._device, self._dtype = pick_device(wanted.device), pick_dtype(wanted.dtype)
        self._family = model_type(folder, name)
        self.fingerprint = _fingerprint(wanted, self._family)
        if not weight_files(folder):
            raise EncoderError(
                f"{name} holds no weights (model.safetensors).",
                hint="Download them into the folder.",
            )
        with _quiet_transformers(), _loading_errors_translated(name):
            model, report = AutoModel.from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                dtype=self._dtype,
                output_loading_info=True,
            )
            self._tokenizer = _load_tokenizer(folder, name, self._family)
        if self._tokenizer.pad_token is None:
            raise EncoderError(
                f"{name} does not say with which token its texts are padded.",
                hint="Add tokenizer_config.json and special_tokens_map.json from its page, or name "
                "another checkpoint.",
            )
        _check_weights(model, report, name)
        self._model: Any = model.eval().to(self._device)
        self._preprocessing = load_preprocessing(folder, name)
        self.logit_scale = cosine_factor(name, float(model.logit_scale.detach()))
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

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts -> [m, d]; what is longer than the text tower's limit is cut off."""
        if not texts:
            return np.empty((0, self._dimension), dtype=np.float32)
        with torch.inference_mode():
            features = self._model.get_text_features(**self._tokenize(texts)).pooler_output
        return self._unit_rows(features, [repr(text) for text in texts])

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


def load_preprocessing(folder: Path, name: str) -> Callable[[Image.Image], Pixels]:
    """The checkpoint's image processor, from preprocessor_config.json; it needs no weights.

    Raises EncoderError.
    """
    with _quiet_transformers(), _loading_errors_translated(name):
        processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, local_files_only=True, trust_remote_code=False, backend="pil"
        )

    def preprocess(image: Image.Image) -> Pixels:
        inputs = processor(images=[image], return_tensors="np")
        return {key: np.asarray(values)[0] for key, values in inputs.items()}

    return preprocess


@contextlib.contextmanager
def _loading_errors_translated(name: str) -> Iterator[None]:
    try:
        yield
    except EncoderError:
        raise
    # Whatever the library makes of files that are damaged or don't belong together.
    except Exception as error:
        raise EncoderError(f"{name} cannot be loaded: {said(error)}", hint=_AGAIN) from error


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
    # Position numbers 0, 1, 2, ... that older versions of the library stored with the weights.
    unexpected = {key for key in report["unexpected_keys"] if not key.endswith(".position_ids")}
    weights = model.state_dict().items()
    problem = first_problem(
        {
            "lack weights that the model needs": report["missing_keys"],
            "hold weights that the model does not have": unexpected,
            "hold values that are not finite, in": [
                key for key, value in weights if not bool(value.isfinite().all())
            ],
        }
    )
    if problem:
        raise EncoderError(f"The weights of {name} {problem}.", hint=_AGAIN)


def _fingerprint(wanted: Wanted, family: str) -> str:
    """A hash of what was published; the library's own objects change with its version.

    The revision already stands for one model's content, wherever it lies and whatever its name.
    """
    preprocessing = [
        path.read_text(encoding="utf-8") if path.is_file() else ""
        for path in (wanted.folder / file for file in _PREPROCESSING_FILES)
    ]
    parts = [family, wanted.revision, *preprocessing, wanted.dtype, str(_PREPARATION)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@contextlib.contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Silences the library's log: what matters in it is raised as an error here."""
    had_bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with quietly("transformers"):
            yield
    finally:
        if had_bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
