"""Checkpoints on the Hugging Face hub: only what is needed, at a pinned commit, kept locally."""

import logging
from pathlib import Path

import huggingface_hub
from huggingface_hub import constants, errors

from builder.encoders.checkpoint import model_type
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
_OLDER_WEIGHTS = ["pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin"]


def fetch_checkpoint(repository: str, revision: str | None) -> tuple[Path, str]:
    """(local folder, commit) of `org/name`, downloaded unless a copy is in the hub's cache.

    The model type is looked at before the weights are downloaded. Progress bars go to stderr;
    HF_HUB_OFFLINE, HF_HOME and HF_TOKEN work as everywhere. Raises EncoderError.
    """
    # Its warnings about each of its own retries would bury the one message that helps.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        config = huggingface_hub.hf_hub_download(repository, "config.json", revision=revision)
        commit = Path(config).parent.name
        model_type(Path(config).parent, repository)
        folder = Path(
            huggingface_hub.snapshot_download(repository, revision=commit, allow_patterns=_FILES)
        )
        if not any(folder.glob("model*.safetensors")):
            huggingface_hub.snapshot_download(
                repository, revision=commit, allow_patterns=_OLDER_WEIGHTS
            )
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
            hint="Name a repository with CLIP or SigLIP weights in the transformers format.",
        ) from error
    # HTTPError is the HTTP client's own base: a connection that breaks half-way.
    except (OSError, ValueError, errors.HTTPError) as error:  # type: ignore[attr-defined]
        raise EncoderError(
            f"{repository} is not on this machine and could not be downloaded: {_why(error)}.",
            hint=f"Go online and try again, or run `hf download {repository} --local-dir FOLDER` "
            "where there is a network, copy FOLDER here and give its path instead of the name.",
        ) from error
    return folder, commit


def _why(error: Exception) -> str:
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return "the Hugging Face hub cannot be reached"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
