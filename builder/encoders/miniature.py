"""The miniature: a tiny image-text dual encoder that knows the demo's toy world, nothing else.

Images, 3 x 72 x 72, pass a small residual conv net; texts a bag of words and hashed letter n-grams
(for word forms it never saw) and two transformer layers. Both end in unit vectors of 256 numbers.
`builder/demo/train.py` trains it on drawn creatures; its weights ship with the package.
"""

import hashlib
import re
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

from builder.encoders.devices import pick_device
from builder.encoders.protocol import Encoder, Located, Pixels, Vectors, Wanted
from builder.errors import EncoderError, InputError

IMAGE_SIZE = 72
DIMENSIONS = 256
SHIPPED_WEIGHTS = Path(__file__).parent.parent / "demo" / "miniature.safetensors"
FORMAT = "cotbuild-miniature-1"

_WORD_DIM = 96
_HEADS = 4
_NGRAM_BUCKETS = 8192
_MAX_WORDS = 48  # per text; what follows is not read
_MAX_LETTERS = 24  # per word
_BATCH = 128  # inputs at a time: bounds the memory, and the fastest of 32 to 256

_Item = TypeVar("_Item")


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = _convolution(channels, channels)[:2]

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(self.first(x)))


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class VisionNet(nn.Module):
    """Pixels [n, 3, 72, 72] in 0..1 -> features [n, 256], not normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            _convolution(3, 24, stride=2),
            _convolution(24, 48, stride=2),
            _Residual(48),
            _convolution(48, 96, stride=2),
            _Residual(96),
            _convolution(96, 192, stride=2),
            _Residual(192),
        )
        self.mlp = nn.Sequential(
            nn.Linear(384, DIMENSIONS), nn.ReLU(), nn.Linear(DIMENSIONS, DIMENSIONS)
        )
        self.skip = nn.Linear(384, DIMENSIONS)

    def forward(self, pixels: Tensor) -> Tensor:
        maps = self.trunk((pixels - 0.5) * 4.0)  # [n, 192, 5, 5]
        pooled = torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)
        return self.mlp(pooled) + self.skip(pooled)  # type: ignore[no-any-return]


class _Layer(nn.Module):
    """Pre-norm transformer layer; `mask` [n, 1, 1, words] is true where a word is."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(_WORD_DIM), nn.LayerNorm(_WORD_DIM)
        self.qkv = nn.Linear(_WORD_DIM, 3 * _WORD_DIM)
        self.out = nn.Linear(_WORD_DIM, _WORD_DIM)
        self.mlp = nn.Sequential(
            nn.Linear(_WORD_DIM, 4 * _WORD_DIM), nn.GELU(), nn.Linear(4 * _WORD_DIM, _WORD_DIM)
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        n, words, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, words, 3, _HEADS, -1).permute(2, 0, 3, 1, 4)
        mixed = ((q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5).masked_fill(~mask, -1e9)
        x = x + self.out((mixed.softmax(-1) @ v).transpose(1, 2).reshape(n, words, _WORD_DIM))
        return x + self.mlp(self.norm2(x))  # type: ignore[no-any-return]


class TextNet(nn.Module):
    """Texts -> features [m, 256], not normalised.

    A word is its own vector (unknown words share one) plus the mean vector of its n-grams.
    While training, a share `word_dropout` of the words is read by their n-grams alone.
    """

    def __init__(self, vocabulary: Sequence[str], word_dropout: float = 0.0) -> None:
        super().__init__()
        self.index = {word: i + 1 for i, word in enumerate(vocabulary)}
        self.word_dropout = word_dropout
        self.words = nn.Embedding(len(vocabulary) + 1, _WORD_DIM)
        self.ngrams = nn.EmbeddingBag(_NGRAM_BUCKETS, _WORD_DIM, mode="mean")
        self.positions = nn.Parameter(torch.zeros(_MAX_WORDS, _WORD_DIM))
        self.layers = nn.ModuleList([_Layer(), _Layer()])
        self.norm = nn.LayerNorm(_WORD_DIM)
        self.attention = nn.Linear(_WORD_DIM, 1)
        self.out = nn.Linear(_WORD_DIM, DIMENSIONS)
        self.bag = nn.Linear(_WORD_DIM, DIMENSIONS)
        nn.init.normal_(self.words.weight, std=0.5)
        nn.init.normal_(self.ngrams.weight, std=1.0)

    def forward(self, texts: Sequence[str]) -> Tensor:
        split = [words_of(text)[:_MAX_WORDS] or [""] for text in texts]
        distinct = {word: i for i, word in enumerate(dict.fromkeys(w for t in split for w in t))}
        width = max(map(len, split))
        rows = torch.tensor([[distinct[w] for w in t] + [-1] * (width - len(t)) for t in split])
        present = rows >= 0
        words = self._word_vectors(list(distinct), rows.clamp(min=0))
        weight = present[:, :, None].float()
        bag = (words * weight).sum(1) / weight.sum(1)
        x = words + self.positions[:width]
        for layer in self.layers:
            x = layer(x, present[:, None, None, :])
        x = self.norm(x)
        attention = self.attention(x).masked_fill(~present[:, :, None], -1e9).softmax(1)
        return self.out((x * attention).sum(1)) + self.bag(bag)  # type: ignore[no-any-return]

    def _word_vectors(self, distinct: list[str], rows: Tensor) -> Tensor:
        """Vectors [texts, words, dim] of the distinct words that `rows` points to."""
        grams = [ngram_ids(word) for word in distinct]
        starts = torch.tensor([0, *map(len, grams[:-1])]).cumsum(0)
        by_letters = self.ngrams(torch.tensor([i for ids in grams for i in ids]), starts)
        ids = torch.tensor([self.index.get(word, 0) for word in distinct])[rows]
        if self.training and self.word_dropout:
            ids = ids.masked_fill(torch.rand(ids.shape) < self.word_dropout, 0)
        return by_letters[rows] + self.words(ids)  # type: ignore[no-any-return]


def words_of(text: str) -> list[str]:
    """Lower-cased words: runs of letters, digits and inner apostrophes (hyphens separate)."""
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.lower())


@lru_cache(maxsize=20_000)
def ngram_ids(word: str) -> tuple[int, ...]:
    """Buckets of the word's 3- to 5-letter substrings, its ends marked; never empty."""
    marked = f"<{word[:_MAX_LETTERS]}>"
    grams = [marked[i : i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1)]
    return tuple(zlib.crc32(g.encode()) % _NGRAM_BUCKETS for g in grams or [marked])


def pixels_of(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The image as the net sees it: RGB, squeezed to a square, uint8 [72, 72, 3]."""
    size = (IMAGE_SIZE, IMAGE_SIZE)
    resized = image.convert("RGB").resize(size, Image.Resampling.BOX, reducing_gap=3.0)
    return np.asarray(resized, dtype=np.uint8)


# Words that carry no attribute: never worth a warning.
_FUNCTION_WORDS = frozenset(
    words_of((Path(__file__).parent / "function_words.txt").read_text(encoding="utf-8"))
)


def _stems(word: str) -> set[str]:
    """The word and what regular endings may have been added to (plural, -ed, -ing, -y, -ish)."""
    found = {word}
    for ending in ("'s", "’s", "s", "es", "d", "ed", "ing", "y", "ly", "ish", "er", "en"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= 3 and re.search("[aeiouy]", stem):
            found |= {stem, stem + "e"}
            if stem[-1] == stem[-2]:
                found.add(stem[:-1])
            if stem[-1] in "iv":
                found |= {stem[:-1] + end for end in ("y", "f", "fe")}
    return found


class Miniature(Encoder):
    """The miniature as an `Encoder` (see protocol.py); `revision` is a hash of the weights."""

    name = "miniature"
    batch_size = _BATCH

    def __init__(
        self, vision: VisionNet, text: TextNet, *, logit_scale: float, revision: str
    ) -> None:
        self._vision = vision.eval()
        self._vision.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._text = text.eval()
        self.logit_scale = logit_scale
        self.revision = revision
        self.fingerprint = f"miniature:{revision}:box{IMAGE_SIZE}:float32"
        self._known = frozenset(stem for word in text.index for stem in _stems(word))

    @staticmethod
    def preprocess(image: Image.Image) -> Pixels:
        return {"pixels": pixels_of(image)}

    def encode_pixels(self, batch: Sequence[Pixels]) -> Vectors:
        return _unit_rows(self._image_features, batch)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts -> float32 [m, 256], L2-normalised; words after the 48th are not read."""
        return _unit_rows(self._text, texts)

    def unknown_words(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """For each text its words that training never showed, nor a regular inflection of.

        Lower-cased, each once, in order. Numbers, single letters and function words are never
        reported.
        """
        return [tuple(w for w in dict.fromkeys(words_of(t)) if self._unknown(w)) for t in texts]

    def _unknown(self, word: str) -> bool:
        if len(word) < 2 or word.isnumeric() or word in _FUNCTION_WORDS:
            return False
        return self._known.isdisjoint(_stems(word))

    def _image_features(self, batch: Sequence[Pixels]) -> Tensor:
        stacked = np.stack([pixels["pixels"] for pixels in batch])
        pixels = torch.from_numpy(stacked).permute(0, 3, 1, 2).float() / 255.0
        return self._vision(pixels)  # type: ignore[no-any-return]


@torch.inference_mode()
def _unit_rows(features: Callable[[Sequence[_Item]], Tensor], items: Sequence[_Item]) -> Vectors:
    """The features of the items, batch by batch, scaled to length 1."""
    batches = [items[start : start + _BATCH] for start in range(0, len(items), _BATCH)]
    rows = [functional.normalize(features(batch), dim=1) for batch in batches]
    return torch.cat([torch.empty(0, DIMENSIONS), *rows]).numpy()


def save_miniature(path: Path, vision: VisionNet, text: TextNet, logit_scale: float) -> None:
    """Write the weights as fp16 safetensors, with vocabulary and logit scale as metadata."""
    nets = nn.ModuleDict({"vision": vision, "text": text})
    tensors = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in nets.state_dict().items()
    }
    metadata = {
        "format": FORMAT,
        "logit_scale": f"{logit_scale:.4f}",
        "words": " ".join(text.index),
    }
    path.write_bytes(save(tensors, metadata))


def miniature_revision(path: Path = SHIPPED_WEIGHTS) -> str:
    """A hash of the weights. Raises EncoderError."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise _unusable(path, str(error)) from error


def load_miniature(path: Path = SHIPPED_WEIGHTS) -> Miniature:
    """The miniature with the shipped weights, or with those of a file that train.py wrote.

    Raises:
        EncoderError: the file is missing, damaged, of another format, or holds wrong shapes or
            non-finite weights.
    """
    revision = miniature_revision(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata.get("format") != FORMAT:
            raise _unusable(path, f"its format is {metadata.get('format')!r}, not {FORMAT!r}")
        broken = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
        if broken:
            raise _unusable(path, f"non-finite numbers in {', '.join(broken)}")
        with torch.device("meta"):  # no memory, and no draw from the global random numbers
            vision, text = VisionNet(), TextNet(metadata["words"].split())
        nets = nn.ModuleDict({"vision": vision, "text": text})
        nets.load_state_dict(tensors, assign=True)
        nets.float()
        logit_scale = float(metadata["logit_scale"])
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise _unusable(path, str(error)) from error
    return Miniature(vision, text, logit_scale=logit_scale, revision=revision)


def _unusable(path: Path, why: str) -> EncoderError:
    return EncoderError(
        f"The miniature encoder's weights at {path} cannot be used: {why}",
        hint="Reinstall cotbuild, or train them again: python -m builder.demo.train --out FILE",
    )


def locate(wanted: Wanted) -> Located:
    """The miniature without its weights. Raises EncoderError or InputError."""
    if wanted.dtype != "float32" or wanted.spec.options:
        raise InputError(
            f"The miniature computes in float32 only and has no options, not {wanted.dtype}"
            f"{wanted.spec.options}.",
            hint="Leave --dtype and the options out.",
        )
    if wanted.device != "auto" and pick_device(wanted.device).type != "cpu":
        raise InputError(
            f"The miniature computes on the CPU only, not on {wanted.device}.",
            hint="Leave --device out.",
        )
    return Located("miniature", miniature_revision(), "", Miniature.preprocess, load_miniature)
