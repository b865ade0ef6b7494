"""jina-clip v1 and v2 from a folder with the published files; no code from it is ever run."""

import hashlib
import json
import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from builder.encoders.catalog import licence_of
from builder.encoders.checkpoint import read_json, unusable
from builder.encoders.devices import pick_device, pick_dtype, unit_rows
from builder.encoders.jina import config as configs
from builder.encoders.jina.weights import read_towers
from builder.encoders.protocol import Encoder, Located, Pixels, Vectors, Wanted
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


def locate(wanted: Wanted) -> Located:
    """The encoder of a checkpoint without its weights. Raises EncoderError or InputError."""
    # What is wrong with these is said before anything is read.
    pick_device(wanted.device)
    pick_dtype(wanted.dtype)
    licence = licence_of(configs.jina_clip_version(wanted.folder, wanted.name))
    preprocessing = jina_preprocessing(wanted.folder, wanted.name)
    load = partial(JinaClipEncoder, wanted)
    return Located(wanted.name, wanted.revision, licence, preprocessing, load)


@dataclass(frozen=True, slots=True)
class JinaPreprocessing:
    """The published image transform, bit for bit. Threads may share it."""

    config: configs.PreprocessingConfig

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
    return JinaPreprocessing(configs.read_preprocessing(folder, name))


def jina_fingerprint(wanted: Wanted) -> str:
    """SHA-256 (hex) of all that the vectors depend on, without reading the weights.

    The revision already stands for the files' content, wherever they lie.
    """
    path = wanted.folder / "preprocessor_config.json"
    preprocessing = path.read_text(encoding="utf-8") if path.is_file() else ""
    options = [f"torch.{wanted.dtype}", wanted.spec.truncate_dim, wanted.spec.task]
    parts = ["jina_clip", wanted.revision, preprocessing, *options, MAX_LENGTH, configs.PREPARATION]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class JinaClipEncoder(Encoder):
    """An encoder from a folder with the two configs, tokenizer.json and model.safetensors.

    truncate_dim: v2 only, one of its Matryoshka dimensions: the vectors are cut to it. task: v2
    only, `retrieval.query`: puts its instruction in front of each text. It is on one device, in
    one type.
    """

    def __init__(self, wanted: Wanted) -> None:
        """Reads the weights.

        Raises EncoderError that names what is missing, unknown, of a wrong shape, not finite or
        does not fit together.
        """
        folder, name, task = wanted.folder, wanted.name, wanted.spec.task
        self._device, self._dtype = pick_device(wanted.device), pick_dtype(wanted.dtype)
        config = configs.read_config(folder, name)
        self._preprocessing = jina_preprocessing(folder, name)
        size = self._preprocessing.config.size
        if size != config.vision.image_size:
            raise EncoderError(
                f"{name}: size {size} in preprocessor_config.json is not "
                f"vision_config.image_size {config.vision.image_size} in config.json.",
                hint=configs.AS_PUBLISHED,
            )
        for option, value, possible in (
            ("truncate_dim", wanted.spec.truncate_dim, config.matryoshka or ()),
            ("task", task, tuple(config.instructions)),
        ):
            if value is not None and value not in possible:
                raise EncoderError(
                    f"{name}: jina-clip {config.version} cannot be used with {option} = {value}.",
                    hint=f"Possible: {', '.join(map(str, possible))}."
                    if possible
                    else f"Leave {option} out: only jina-clip v2 was trained for it.",
                )
        self.name, self.revision = name, wanted.revision
        self.fingerprint = jina_fingerprint(wanted)
        self.batch_size = _BATCH_SIZES[config.version]
        self.vision, self.text, self.logit_scale = read_towers(
            folder, name, config, self._device, self._dtype
        )
        rows = self.text.embeddings.word_embeddings.num_embeddings
        self._tokenizer = _read_tokenizer(folder, name, config.version, rows)
        self._dimensions = wanted.spec.truncate_dim or config.dimensions
        self._instruction = config.instructions[task] if task else ""

    def preprocess(self, image: Image.Image) -> Pixels:
        """An RGB image -> {"pixel_values": uint8 [3, s, s]}. Threads may call it."""
        return self._preprocessing(image)

    def normalised_pixels(self, batch: Sequence[Pixels]) -> Tensor:
        """What `preprocess` gave -> float32 [n, 3, s, s], on the encoder's device."""
        stacked = torch.from_numpy(np.stack([pixels["pixel_values"] for pixels in batch]))
        return self._preprocessing.normalised(stacked.to(self._device))

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
        vectors = np.empty((len(batch), self._dimensions), dtype=np.float32)
        for start in range(0, len(batch), self.batch_size):
            part = batch[start : start + self.batch_size]
            features = self.image_features(self.normalised_pixels(part))
            vectors[start : start + len(part)] = self._unit_rows(features, ["an image"] * len(part))
        return vectors

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

    def _unit_rows(self, features: Tensor, inputs: Sequence[str]) -> Vectors:
        """Cut to the wanted dimensions, then scaled to length 1."""
        cut = features[:, : self._dimensions]
        return unit_rows(cut, inputs, name=self.name, dtype=self._dtype)


def _read_tokenizer(folder: Path, name: str, version: str, rows: int) -> Any:
    """tokenizer.json as it is: the library's own classes replace parts of it."""
    read_json(folder, "tokenizer.json", name, configs.AS_PUBLISHED)
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
    capital, small = (tokenizer(each)["input_ids"] for each in (letters.upper(), letters))
    if version == "v1" and capital != small:
        return "it tells capital letters from small ones"
    return ""
