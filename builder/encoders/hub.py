"""Checkpoints on the Hugging Face hub: only what is needed, at a pinned commit, kept locally."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import huggingface_hub
from huggingface_hub import constants, errors

from builder.data import hugging_face
from builder.encoders.catalog import kinds
from builder.encoders.checkpoint import lacks_files, model_type, wanted_files
from builder.errors import EncoderError

# Of waiting for the hub to answer a question; the library itself would wait for ever.
_TIMEOUT_S = 5
# What somebody without a network is told to bring.
_NEEDED = ["config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"]


def fetch_checkpoint(repository: str, revision: str | None) -> tuple[Path, str]:
    """(local folder, commit) of `org/name`, downloaded unless a copy is in the hub's cache.

    The model type is looked at before the weights are downloaded. Progress bars go to stderr;
    HF_HUB_OFFLINE, HF_HOME and HF_TOKEN work as everywhere. Raises EncoderError, also where only
    a part of it is here and the hub is out of reach.
    """
    with hub_errors(repository, revision):
        folder, missing = _look_up(repository, revision)
        download(repository, folder.name, missing)
    return folder, folder.name


def bytes_to_download(repository: str, revision: str | None) -> int:
    """What `fetch_checkpoint` would download now, in bytes; 0 if a copy is in the hub's cache.

    Asks the hub for names and sizes, and downloads nothing but config.json. Raises EncoderError.
    """
    with hub_errors(repository, revision):
        _, missing = _look_up(repository, revision)
    return sum(missing.values())


def published_files(repository: str, revision: str | None) -> dict[str, int]:
    """Names and sizes in bytes of a revision's files. To be called in `hub_errors`.

    Raises OutOfReach.
    """
    revision = revision or constants.DEFAULT_REVISION
    found = hugging_face.look_up(repository, revision, "model", timeout=_TIMEOUT_S)
    return {file.rfilename: file.size or 0 for file in found.siblings or ()}


def download(repository: str, commit: str, names: Iterable[str]) -> list[Path]:
    """Where the files are, downloaded unless they are here. To be called in `hub_errors`.

    One after the other in this thread, which Ctrl-C ends at once; what is whole by then is kept.
    """
    return [
        Path(huggingface_hub.hf_hub_download(repository, name, revision=commit)) for name in names
    ]


def _look_up(repository: str, revision: str | None) -> tuple[Path, dict[str, int]]:
    """A revision's snapshot with its config.json, and the sizes of what it still lacks."""
    config = huggingface_hub.try_to_load_from_cache(repository, "config.json", revision=revision)
    kept = Path(config).parent if isinstance(config, str) else None
    if kept is not None and lacks_files(kept):
        kept = None
    # What a commit holds never changes. Without this file, which nearly all have but not all need,
    # another program may have left something out.
    if kept is not None and kept.name == revision and (kept / "tokenizer_config.json").is_file():
        model_type(kept, repository)
        return kept, {}
    try:
        published = published_files(repository, revision)
    except hugging_face.OutOfReach as error:
        if kept is None:
            raise _absent(repository, revision, str(error), error.refused) from error
        model_type(kept, repository)
        return kept, {}
    # By the revision's own name, which is how the library finds it again without a network.
    config = huggingface_hub.hf_hub_download(repository, "config.json", revision=revision)
    folder = Path(config).parent
    model_type(folder, repository)
    wanted = wanted_files(published)
    return folder, {name: published[name] for name in wanted if not (folder / name).is_file()}


@contextlib.contextmanager
def hub_errors(repository: str, revision: str | None) -> Iterator[None]:
    """What the hub's library raises, as an EncoderError that says what to do."""
    try:
        with hugging_face.quietly("huggingface_hub"):
            yield
    except errors.RemoteEntryNotFoundError as error:
        raise EncoderError(
            f"{repository} holds no config.json, so it is no checkpoint of transformers.",
            hint=f"Name a repository with {kinds()} weights in the transformers format.",
        ) from error
    # Also a connection that breaks half-way.
    except hugging_face.HUB_ERRORS as error:
        refused = hugging_face.refusal(type(error), repository, revision, "model")
        if refused is None:
            away = constants.HF_HUB_OFFLINE or isinstance(error, errors.LocalEntryNotFoundError)
            busy = hugging_face.refusal_in(error)
            why = hugging_face.out_of_reach() if away else hugging_face.said(error)
            raise _absent(repository, revision, busy.why if busy else why, busy) from error
        raise EncoderError(refused[0], hint=refused[1]) from error


def _absent(
    repository: str, revision: str | None, why: str, busy: hugging_face.Refusal | None
) -> EncoderError:
    at = f" --revision {revision}" if revision else ""
    return EncoderError(
        f"{repository} is not on this machine and could not be downloaded: {why}.",
        hint=busy.hint
        if busy
        else "Go online and try again, or, where there is a network, run\n"
        f"hf download {repository} {' '.join(_NEEDED)}{at} --local-dir FOLDER\n"
        "then copy FOLDER here and give its path instead of the name.",
    )
