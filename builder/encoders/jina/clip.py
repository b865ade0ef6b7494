"""jina-clip v1 and v2 from a folder with the published files; no code from it is ever run."""

import hashlib
import json
import string
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from builder.encoders.catalog import licence_of
from builder.encoders.checkpoint import unusable
from builder.encoders.devices import pick_device, pick_dtype, unit_rows
from builder.encoders.jina.config import (
    AS_PUBLISHED,
    PREPARATION,
    JinaConfig,
    PreprocessingConfig,
    jina_clip_version,
    read_config,
    read_json,
    read_preprocessing,
)
from builder.encoders.jina.eva02 import EVA02
from builder.encoders.jina.weights import TextTower, read_towers
from builder.encoders.protocol import Located, Pixels, Vectors, Wanted
from builder.errors import EncoderError

MAX_LENGTH = 512  # tokens of a text, as in the published `encode_text`
# Larger ones are no faster on a CPU, and say less often how far the work is.
_BATCH_SIZES = {"v1": 8, "v2": 2}
_TEXTS_AT_ONCE, _TOKENS_AT_ONCE = 64, 4096
# Above this ratio of sides an image is cropped while it is resized, which may round differently
# in single pixels but does not take gigabytes for a line.
_SLENDER = 32
# Padding with its id, and what stands around a text.
_SPECIAL_TOKENS = {"v1": ("[PAD]", 0, ["[CLS]", "[SEP]"]), "v2": ("<pad>", 1, ["<s>", "</s>"])}
# The text tower may have a few rows more than there are tokens, so that they fill blocks.
_SPARE_ROWS = 64
_Item = TypeVar("_Item")


def locate(wanted: Wanted) -> Located:
    """The encoder of a checkpoint without its weights. Raises EncoderError or InputError."""
    device, dtype = pick_device(wanted.device), pick_dtype(wanted.dtype)
    folder, name = wanted.folder, wanted.name
    return Located(
        name,
        wanted.revision,
        licence_of(jina_clip_version(folder, name)),
        jina_preprocessing(folder, name),
        partial(
            load_jina_clip,
            folder,
            name=name,
            revision=wanted.revision,
            truncate_dim=wanted.spec.truncate_dim,
            task=wanted.spec.task,
            device=device,
            dtype=dtype,
        ),
    )


@dataclass(frozen=True, slots=True)
class JinaPreprocessing:
    """The published image transform, bit for bit. Threads may share it."""

    config: PreprocessingConfig

    def __call__(self, image: Image.Image) -> Pixels:
        """An image of any mode and size -> {"pixel_values": uint8 [3, size, size]}.

        Alpha is dropped; the shorter side becomes `size`, bicubic; the centre is cut out.
        """
        size, rgb = self.config.size, image.convert("RGB")
        short, long = min(rgb.size), max(rgb.size)
        width, height = (size if side == short else int(size * side / short) for side in rgb.size)
        # Python rounds ties to even, as the published transform does.
        left, top = round((width - size) / 2), round((height - size) / 2)
        if long > _SLENDER * short:
            x, y = rgb.width / width, rgb.height / height
            # One axis after the other: what is left to Pillow may change their order.
            columns = (left * x, 0.0, (left + size) * x, float(rgb.height))
            strip = rgb.resize((size, rgb.height), Image.Resampling.BICUBIC, box=columns)
            rows = (0.0, top * y, float(size), (top + size) * y)
            cropped = strip.resize((size, size), Image.Resampling.BICUBIC, box=rows)
        else:
            # A size that fits already is not resampled.
            resized = rgb.resize((width, height), Image.Resampling.BICUBIC)
            cropped = resized.crop((left, top, left + size, top + size))
        return {"pixel_values": np.ascontiguousarray(np.asarray(cropped).transpose(2, 0, 1))}

    def normalised(self, stacked: Tensor) -> Tensor:
        """uint8 [n, 3, s, s] -> float32 of the same shape, on the same device."""
        mean = torch.tensor(self.config.mean, device=stacked.device)[:, None, None]
        std = torch.tensor(self.config.std, device=stacked.device)[:, None, None]
        return (stacked.float() / 255 - mean) / std


def jina_preprocessing(folder: Path, name: str) -> JinaPreprocessing:
    """Needs no weights. Raises EncoderError for values other than the published ones."""
    return JinaPreprocessing(read_preprocessing(folder, name))


def jina_fingerprint(
    folder: Path, revision: str, *, dtype: torch.dtype, truncate_dim: int | None, task: str | None
) -> str:
    """SHA-256 (hex) of all that the vectors depend on, without reading the weights.

    The revision already stands for the files' content, wherever they lie.
    """
    path = folder / "preprocessor_config.json"
    preprocessing = path.read_text(encoding="utf-8") if path.is_file() else ""
    options = [str(dtype), truncate_dim, task]
    parts = ["jina_clip", revision, preprocessing, *options, MAX_LENGTH, PREPARATION]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class JinaClipEncoder:
    """An Encoder (see protocol) on one device, in one type; made by `load_jina_clip`."""

    def __init__(
        self,
        *,
        name: str,
        revision: str,
        fingerprint: str,
        config: JinaConfig,
        preprocessing: JinaPreprocessing,
        tokenizer: Any,
        towers: tuple[EVA02, TextTower, float],
        truncate_dim: int | None,
        task: str | None,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.name, self.revision, self.fingerprint = name, revision, fingerprint
        self.vision, self.text, self.logit_scale = towers
        self.batch_size = _BATCH_SIZES[config.version]
        self._preprocessing, self._tokenizer = preprocessing, tokenizer
        self._dimensions = truncate_dim or config.dimensions
        self._instruction = config.instructions[task] if task else ""
        self._device, self._dtype = device, dtype

    def preprocess(self, image: Image.Image) -> Pixels:
        """An RGB image -> {"pixel_values": uint8 [3, s, s]}. Threads may call it."""
        return self._preprocessing(image)

    def normalised_pixels(self, batch: Sequence[Pixels]) -> Tensor:
        """What `preprocess` gave -> float32 [n, 3, s, s], on the CPU."""
        return self._preprocessing.normalised(_stacked(batch))

    def tokenize(self, texts: Sequence[str], max_length: int = MAX_LENGTH) -> dict[str, Tensor]:
        """`input_ids` and `attention_mask`, int64 [m, L]: instruction in front, padded right."""
        tokens = self._tokenizer(
            [self._instruction + text for text in texts],
            padding="longest",
            truncation=True,
            max_length=max_length,
            return_tensors="pt",
        )
        ids = tokens["input_ids"]
        # From the ids, as published: a text may spell out the padding token.
        return {"input_ids": ids, "attention_mask": (ids != self._tokenizer.pad_token_id).long()}

    @torch.inference_mode()
    def image_features(self, pixel_values: Tensor) -> Tensor:
        """Normalised pixels [n, 3, s, s] on any device -> float32 [n, d], neither cut nor of
        length 1."""
        # On CUDA cuDNN would round the patch embedding's factors to 10 bits.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            return self.vision(pixel_values.to(self._device, self._dtype)).float()  # type: ignore[no-any-return]

    @torch.inference_mode()
    def text_features(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Tokens [m, L] on any device -> float32 [m, d], neither cut nor of length 1."""
        mask = attention_mask.to(self._device).bool()
        return self.text(input_ids.to(self._device), mask).float()  # type: ignore[no-any-return]

    def encode_pixels(self, batch: Sequence[Pixels]) -> Vectors:
        """What `preprocess` gave -> [n, d], in passes of `batch_size`. Raises EncoderError."""
        return self._joined(self._image_pass(part) for part in _parts(batch, self.batch_size))

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Images -> [n, d]. Raises EncoderError for vectors that are not finite."""
        parts = _parts(images, self.batch_size)
        return self._joined(self._image_pass([self.preprocess(i) for i in part]) for part in parts)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts -> [m, d]; of each, the first 512 tokens are read. Raises EncoderError."""
        vectors = np.empty((len(texts), self._dimensions), dtype=np.float32)
        if not texts:
            return vectors
        tokens = self.tokenize(texts)
        ids, mask = tokens["input_ids"], tokens["attention_mask"]
        lengths = mask.shape[1] - mask.flip(1).argmax(dim=1)  # [m]
        order, start = lengths.argsort(descending=True, stable=True), 0
        while start < len(texts):
            length = int(lengths[order[start]])
            rows = order[start : start + min(_TEXTS_AT_ONCE, max(1, _TOKENS_AT_ONCE // length))]
            features = self.text_features(ids[rows, :length], mask[rows, :length])
            vectors[rows.numpy()] = self._unit_rows(features, [repr(texts[row]) for row in rows])
            start += len(rows)
        return vectors

    def unknown_words(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """Every word is spelled out in known pieces, so that none can be told."""
        return [() for _ in texts]

    def _image_pass(self, batch: Sequence[Pixels]) -> Vectors:
        pixels = self._preprocessing.normalised(_stacked(batch).to(self._device))
        return self._unit_rows(self.image_features(pixels), ["an image"] * len(batch))

    def _joined(self, passes: Iterable[Vectors]) -> Vectors:
        return np.concatenate([np.empty((0, self._dimensions), dtype=np.float32), *passes])

    def _unit_rows(self, features: Tensor, inputs: Sequence[str]) -> Vectors:
        """Cut to the wanted dimensions, then scaled to length 1."""
        cut = features[:, : self._dimensions]
        return unit_rows(cut, inputs, name=self.name, dtype=self._dtype)


def load_jina_clip(
    folder: Path,
    *,
    name: str,
    revision: str,
    device: torch.device,
    dtype: torch.dtype,
    truncate_dim: int | None = None,
    task: str | None = None,
) -> JinaClipEncoder:
    """The encoder in a folder with the two configs, tokenizer.json and model.safetensors.

    truncate_dim: v2 only, one of its Matryoshka dimensions: the vectors are cut to it. task: v2
    only, `retrieval.query`: puts its instruction in front of each text. Raises EncoderError that
    names what is missing, unknown, of a wrong shape, not finite or does not fit together.
    """
    config, preprocessing = read_config(folder, name), jina_preprocessing(folder, name)
    size = preprocessing.config.size
    if size != config.vision.image_size:
        raise EncoderError(
            f"{name}: size {size} in preprocessor_config.json is not "
            f"vision_config.image_size {config.vision.image_size} in config.json.",
            hint=AS_PUBLISHED,
        )
    _check_option(name, config, "truncate_dim", truncate_dim, config.matryoshka)
    _check_option(name, config, "task", task, tuple(config.instructions))
    vision, text, logit_scale = read_towers(folder, name, config, device, dtype)
    vocabulary = text.embeddings.word_embeddings.num_embeddings
    return JinaClipEncoder(
        name=name,
        revision=revision,
        fingerprint=jina_fingerprint(
            folder, revision, dtype=dtype, truncate_dim=truncate_dim, task=task
        ),
        config=config,
        preprocessing=preprocessing,
        tokenizer=_read_tokenizer(folder, name, config.version, vocabulary),
        towers=(vision, text, logit_scale),
        truncate_dim=truncate_dim,
        task=task,
        device=device,
        dtype=dtype,
    )


def _check_option(
    name: str, config: JinaConfig, option: str, value: object, possible: Sequence[object]
) -> None:
    if value is not None and value not in possible:
        raise EncoderError(
            f"{name}: jina-clip {config.version} cannot be used with {option} = {value}.",
            hint=f"Possible: {', '.join(map(str, possible))}."
            if possible
            else f"Leave {option} out: only jina-clip v2 was trained for it.",
        )


def _read_tokenizer(folder: Path, name: str, version: str, rows: int) -> Any:
    """tokenizer.json as it is: the library's own classes replace parts of it."""
    read_json(folder, "tokenizer.json", name)
    path, pad = folder / "tokenizer.json", _SPECIAL_TOKENS[version][0]
    try:
        tokenizer: Any = PreTrainedTokenizerFast(tokenizer_file=str(path), pad_token=pad)  # type: ignore[no-untyped-call]
    # The library raises nothing narrower for JSON that describes no tokenizer.
    except Exception as error:
        raise unusable(name, f"tokenizer.json cannot be read: {error}") from error
    problem = _mismatch(tokenizer, version, rows)
    if problem:
        raise unusable(name, f"tokenizer.json does not belong to the text tower: {problem}")
    return tokenizer


def _mismatch(tokenizer: Any, version: str, rows: int) -> str:
    """Why the tokenizer can't be that of a text tower with so many rows; empty if it may be.

    Tokens in another order can't be told.
    """
    vocabulary, (pad, pad_id, ends) = tokenizer.get_vocab(), _SPECIAL_TOKENS[version]
    largest = max(vocabulary.values(), default=0)
    letters = " ".join(string.ascii_lowercase)
    if vocabulary.get(pad) != pad_id:
        return f"its token {pad_id} is not {pad}"
    if tokenizer("")["input_ids"] != [vocabulary.get(end) for end in ends]:
        return f"it does not put texts between {' and '.join(ends)}"
    if largest >= rows:
        return f"it has a token {largest}, but the tower knows {rows}"
    if sorted(vocabulary.values()) != list(range(len(vocabulary))):
        return "the numbers of its tokens have gaps or occur twice"
    if rows - len(vocabulary) >= _SPARE_ROWS:
        return f"it has {len(vocabulary)} tokens, but the tower knows {rows}"
    if (
        version == "v1"
        and tokenizer(letters.upper())["input_ids"] != tokenizer(letters)["input_ids"]
    ):
        return "it tells capital letters from small ones"
    return ""


def _stacked(batch: Sequence[Pixels]) -> Tensor:
    return torch.from_numpy(np.stack([pixels["pixel_values"] for pixels in batch]))


def _parts(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
