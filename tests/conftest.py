"""Shared fixtures: tiny image-text checkpoints with random weights, built without a network."""

import os
import signal
import threading
from pathlib import Path

import pytest

# Before any test imports the hub's library, which reads this once: no test may go online.
os.environ["HF_HUB_OFFLINE"] = "1"

# Started in the background of a script, Ctrl-C would be ignored by whatever a test starts.
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    and threading.current_thread() is threading.main_thread()
):
    signal.signal(signal.SIGINT, signal.default_int_handler)

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,'{}[]!?-"
_PATCH = 8
_IMAGE_SIZE = 32


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP checkpoint: texts of up to 16 tokens, a letter each; vectors of 24 dimensions."""
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    folder = tmp_path_factory.mktemp("clip")
    config = CLIPConfig(
        text_config=_text_config(bos_token_id=1, eos_token_id=3, pad_token_id=0),
        vision_config=_vision_config(projection_dim=24),
        projection_dim=24,
    )
    _save(CLIPModel, config, folder)
    CLIPImageProcessorPil(
        size={"shortest_edge": _IMAGE_SIZE},
        crop_size={"height": _IMAGE_SIZE, "width": _IMAGE_SIZE},
    ).save_pretrained(folder)
    _save_tokenizer(folder, template="<start> $A <end>")
    return folder


@pytest.fixture(scope="session")
def siglip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SigLIP checkpoint: texts of up to 16 tokens, a letter each; vectors of 32 dimensions."""
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    folder = tmp_path_factory.mktemp("siglip")
    config = SiglipConfig(text_config=_text_config(), vision_config=_vision_config())
    _save(SiglipModel, config, folder)
    SiglipImageProcessorPil(size={"height": _IMAGE_SIZE, "width": _IMAGE_SIZE}).save_pretrained(
        folder
    )
    _save_tokenizer(folder, template="$A <end>")
    return folder


@pytest.fixture(scope="session")
def siglip2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SigLIP 2 checkpoint of the kind that takes images of any shape; otherwise as SigLIP."""
    from transformers import Siglip2Config, Siglip2ImageProcessorPil, Siglip2Model

    folder = tmp_path_factory.mktemp("siglip2")
    vision = _vision_config(num_patches=16)
    del vision["image_size"]
    config = Siglip2Config(text_config=_text_config(), vision_config=vision)
    _save(Siglip2Model, config, folder)
    Siglip2ImageProcessorPil(patch_size=_PATCH, max_num_patches=16).save_pretrained(folder)
    _save_tokenizer(folder, template="$A <end>")
    return folder


def _tower(**more: int) -> dict[str, int]:
    return {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        **more,
    }


def _text_config(**more: int) -> dict[str, int]:
    return _tower(vocab_size=4 + len(_LETTERS), max_position_embeddings=16, **more)


def _vision_config(**more: int) -> dict[str, int]:
    return _tower(image_size=_IMAGE_SIZE, patch_size=_PATCH, **more)


def _save(model_class: type, config: object, folder: Path) -> None:
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = model_class(config)
        # The library's own start is so small that all texts would look alike.
        for parameter in model.parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.2)
        model.logit_scale.data.fill_(2.5)
    model.save_pretrained(folder)


def _save_tokenizer(folder: Path, template: str) -> None:
    from tokenizers import Tokenizer, models, processors
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<start>", "<unknown>", "<end>"]
    vocabulary = {token: number for number, token in enumerate([*special, *_LETTERS])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unknown>"))
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
