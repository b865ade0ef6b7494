"""Small image-text checkpoints in the published layouts, with weights that are filled here.

Never a library's own initialisation: which weights that draws hangs on its version and on the
processor. Two kinds:

* arbitrary: every weight is noise, for tests of how a checkpoint is loaded and called;
* seeing colour: a CLIP that finds the mean colour of a picture, and the words red, green and blue
  in a text, by weights that were set by hand. Which colour it takes for which is the caller's:
  always right, always wrong, or green taken for blue. No outcome is close.
"""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tests.chance import fixed_noise

Colour = Literal["red", "green", "blue"]
COLOURS: tuple[Colour, ...] = ("red", "green", "blue")
# What a checkpoint takes each colour of a picture for.
Sight = dict[Colour, Colour]
RIGHT: Sight = {"red": "red", "green": "green", "blue": "blue"}
WRONG: Sight = {"red": "green", "green": "blue", "blue": "red"}
GREEN_IS_BLUE: Sight = {"red": "red", "green": "blue", "blue": "blue"}

_SPECIAL = ("<pad>", "<start>", "<unknown>", "<end>")
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,'{}[]!?-"
_PATCH = 8
_IMAGE_SIZE = 32
_WIDTH = 32
_CLIP_DIMENSION = 24
_LOGIT_SCALE = 2.5


def save_clip(folder: Path, sight: Sight | None = None) -> Path:
    """A CLIP: vectors of 24 dimensions; arbitrary weights, unless it is told what it sees.

    Texts are a token a letter and cut to 16 tokens; to 32 for one that sees, which has a token
    for each colour word too.
    """
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    words = COLOURS if sight else ()
    config = CLIPConfig(
        text_config=_text_config(
            words, 32 if sight else 16, bos_token_id=1, eos_token_id=3, pad_token_id=0
        ),
        vision_config=_vision_config(projection_dim=_CLIP_DIMENSION),
        projection_dim=_CLIP_DIMENSION,
    )
    _save(CLIPModel, config, folder, words, sight)
    CLIPImageProcessorPil(
        size={"shortest_edge": _IMAGE_SIZE},
        crop_size={"height": _IMAGE_SIZE, "width": _IMAGE_SIZE},
    ).save_pretrained(folder)
    _save_tokenizer(folder, words, template="<start> $A <end>")
    return folder


def save_siglip(folder: Path) -> Path:
    """A SigLIP with arbitrary weights: texts of up to 16 tokens, vectors of 32 dimensions."""
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    config = SiglipConfig(text_config=_text_config((), 16), vision_config=_vision_config())
    _save(SiglipModel, config, folder)
    SiglipImageProcessorPil(size={"height": _IMAGE_SIZE, "width": _IMAGE_SIZE}).save_pretrained(
        folder
    )
    _save_tokenizer(folder, (), template="$A <end>")
    return folder


def save_siglip2(folder: Path) -> Path:
    """A SigLIP 2 of the kind that takes images of any shape; otherwise as the SigLIP."""
    from transformers import Siglip2Config, Siglip2ImageProcessorPil, Siglip2Model

    vision = _vision_config(num_patches=16)
    del vision["image_size"]
    config = Siglip2Config(text_config=_text_config((), 16), vision_config=vision)
    _save(Siglip2Model, config, folder)
    Siglip2ImageProcessorPil(patch_size=_PATCH, max_num_patches=16).save_pretrained(folder)
    _save_tokenizer(folder, (), template="$A <end>")
    return folder


def _tower(**more: int) -> dict[str, int]:
    return {
        "hidden_size": _WIDTH,
        "intermediate_size": 2 * _WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        **more,
    }


def _text_config(words: tuple[str, ...], length: int, **more: int) -> dict[str, int]:
    size = len(_vocabulary(words))
    return _tower(vocab_size=size, max_position_embeddings=length, **more)


def _vision_config(**more: int) -> dict[str, int]:
    return _tower(image_size=_IMAGE_SIZE, patch_size=_PATCH, **more)


def _save(
    model_class: type,
    config: object,
    folder: Path,
    words: tuple[str, ...] = (),
    sight: Sight | None = None,
) -> None:
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = model_class(config)
    for name, parameter in model.named_parameters():
        shape = tuple(parameter.shape)
        filled = _arbitrary(name, shape) if sight is None else _seeing(name, shape, words, sight)
        parameter.data.copy_(torch.from_numpy(filled))
    model.save_pretrained(folder)


def _arbitrary(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Noise large enough that texts and pictures come out far apart."""
    if name == "logit_scale":
        return np.full(shape, _LOGIT_SCALE, np.float32)
    noise = fixed_noise(name, shape)
    if name.endswith("weight") and len(shape) == 1:
        return 1 + 0.1 * noise
    return (0.35 if len(shape) > 1 else 0.02) * noise


def _seeing(
    name: str, shape: tuple[int, ...], words: tuple[str, ...], sight: Sight
) -> NDArray[np.float32]:
    """Weights that carry colours straight through both towers of a CLIP.

    Queries and keys are 0, so that all tokens are attended to alike; values pass through; the
    perceptrons add nothing. So the last token of a text, and the class token of a picture, end up
    as the mean of all tokens, of which dimensions 0 to 2 are red, green and blue.
    """
    filled = np.zeros(shape, np.float32)
    if name == "logit_scale":
        filled += _LOGIT_SCALE
    elif name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "layrnorm.weight")):
        filled += 1
    elif name.endswith(("v_proj.weight", "out_proj.weight")):
        np.fill_diagonal(filled, 1)
    elif name == "vision_model.embeddings.patch_embedding.weight":
        for channel in range(3):
            filled[channel, channel] = 1 / _PATCH**2
    elif name == "text_model.embeddings.token_embedding.weight":
        # Letters leave a trace by which texts differ. It is away from the colours, and small beside
        # a dimension that the projection leaves out, else normalisation would make it large.
        filled[:, 3:_CLIP_DIMENSION] = 0.01 * fixed_noise(name, (shape[0], _CLIP_DIMENSION - 3))
        filled[:, _CLIP_DIMENSION] = 1
        for word, number in _vocabulary(words).items():
            if word in COLOURS:
                filled[number] = np.eye(shape[1], dtype=np.float32)[COLOURS.index(word)]
    elif name == "text_projection.weight":
        np.fill_diagonal(filled, 1)
    elif name == "visual_projection.weight":
        for seen, told in sight.items():
            filled[COLOURS.index(told), COLOURS.index(seen)] = 1
    return filled


def _merges(words: tuple[str, ...]) -> list[tuple[str, str]]:
    """From letters to each word, a letter at a time: re, red. Long words first: re is in green."""
    longest_first = sorted(words, key=len, reverse=True)
    return [(word[:end], word[end]) for word in longest_first for end in range(1, len(word))]


def _vocabulary(words: tuple[str, ...]) -> dict[str, int]:
    joined = [left + right for left, right in _merges(words)]
    return {token: number for number, token in enumerate([*_SPECIAL, *_LETTERS, *joined])}


def _save_tokenizer(folder: Path, words: tuple[str, ...], template: str) -> None:
    from tokenizers import Tokenizer, models, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(
        models.BPE(vocab=_vocabulary(words), merges=_merges(words), unk_token="<unknown>")
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=[("<start>", 1), ("<end>", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<start>",
        unk_token="<unknown>",
        eos_token="<end>",
    ).save_pretrained(folder)
