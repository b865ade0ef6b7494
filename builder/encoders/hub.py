"""Checkpoints on the Hugging Face hub: only what is needed, at a pinned commit, kept locally."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
from huggingface_hub import constants, errors

from builder.encoders.checkpoint import model_type, weight_files
from builder.errors import EncoderError

# Named one by one: many repositories also hold the weights in formats nobody here reads.
_FILES = [
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*-of-*.safetensors",
]
_WEIGHTS = ("model", "pytorch_model")
# What somebody without a network is told to bring.
_NEEDED = ["config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"]
_OLDER_WEIGHTS = ["pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin"]


def fetch_checkpoint(repository: str, revision: str | None) -> tuple[Path, str]:
    """(local folder, commit) of `org/name`, downloaded unless a copy is in the hub's cache.

    The model type is looked at before the weights are downloaded. Progress bars go to stderr;
    HF_HUB_OFFLINE, HF_HOME and HF_TOKEN work as everywhere. Raises EncoderError.
    """
    with hub_errors(repository, revision):
        folder, commit = _fetch_configuration(repository, revision)
        huggingface_hub.snapshot_download(repository, revision=commit, allow_patterns=_FILES)
        if not any(folder.glob("model*.safetensors")):
            huggingface_hub.snapshot_download(
                repository, revision=commit, allow_patterns=_OLDER_WEIGHTS
            )
    return folder, commit


def bytes_to_download(repository: str, revision: str | None) -> int:
    """What `fetch_checkpoint` would download now, in bytes; 0 if a copy is in the hub's cache.

    Asks the hub for names and sizes, and downloads nothing but config.json. Raises EncoderError.
    """
    with hub_errors(repository, revision):
        folder, commit = _fetch_configuration(repository, revision)
        if weight_files(folder):
            return 0
        for patterns in (_FILES, _OLDER_WEIGHTS):
            files = huggingface_hub.snapshot_download(
                repository, revision=commit, allow_patterns=patterns, dry_run=True
            )
            if any(Path(file.filename).name.startswith(_WEIGHTS) for file in files):
                break
        return sum(file.file_size or 0 for file in files if file.will_download)


def _fetch_configuration(repository: str, revision: str | None) -> tuple[Path, str]:
    # Its warnings about each of its own retries would bury the one message that helps.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    config = Path(huggingface_hub.hf_hub_download(repository, "config.json", revision=revision))
    model_type(config.parent, repository)
    return config.parent, config.parent.name


@contextlib.contextmanager
def hub_errors(repository: str, revision: str | None) -> Iterator[None]:
    """What the hub's library raises, as an EncoderError that says what to do."""
    try:
        yield
    except errors.GatedRepoError as error:
        raise EncoderError(
            f"The hub gives {repository} only to those who accepted its terms.",
            hint=f"Accept them on https://huggingface.co/{repository}, then log in with "
            "`hf auth login` or set HF_TOKEN.",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise EncoderError(
            f"The Hugging Face hub has no public model {repository!r}.",
            hint="Check the spelling (org/name). For a private model log in with "
            "`hf auth login` or set HF_TOKEN.",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise EncoderError(
            f"{repository} has no revision {revision!r}.",
            hint="Leave out the @revision, or name a branch, tag or commit of that repository.",
        ) from error
    except errors.RemoteEntryNotFoundError as error:
        raise EncoderError(
            f"{repository} holds no config.json, so it is no checkpoint of transformers.",
            hint="Name a repository with CLIP, SigLIP or jina-clip weights in the transformers "
            "format.",
        ) from error
    # HTTPError is the HTTP client's own base: a connection that breaks half-way.
    except (OSError, ValueError, errors.HTTPError) as error:  # type: ignore[attr-defined]
        at = f" --revision {revision}" if revision else ""
        raise EncoderError(
            f"{repository} is not on this machine and could not be downloaded: {_why(error)}.",
            hint="Go online and try again, or, where there is a network, run\n"
            f"hf download {repository} {' '.join(_NEEDED)}{at} --local-dir FOLDER\n"
            "then copy FOLDER here and give its path instead of the name.",
        ) from error


def _why(error: Exception) -> str:
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return "the Hugging Face hub cannot be reached"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
