"""The libraries of Hugging Face: kept silent, asked once, and their refusals in words."""

import contextlib
import logging
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from huggingface_hub import HfApi, constants, errors

from builder.waiting import duration, retry_after

# What the hub holds, as its library calls it -> as people do.
_KINDS = {"dataset": "data set", "model": "model"}
Kind = Literal["dataset", "model"]
# HTTPError is the base of the HTTP client's own errors.
HUB_ERRORS = (OSError, ValueError, errors.HTTPError)  # type: ignore[attr-defined]
# An error and those that led to it.
_MOST_CAUSES = 10


@contextlib.contextmanager
def quietly(*libraries: str) -> Iterator[None]:
    """Silences the libraries' logs: they would bury the message that helps."""
    levels = {logger: logger.level for logger in map(logging.getLogger, libraries)}
    for logger in levels:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


class Refusal(NamedTuple):
    why: str
    hint: str


def refusal_in(error: BaseException | None) -> Refusal | None:
    """What the hub says of the error, or of one that led to it; None where it is another matter."""
    for _ in range(_MOST_CAUSES):
        if error is None:
            break
        response = getattr(error, "response", None)
        status = getattr(response, "status_code", 0)
        if response is not None and (status == 429 or status >= 500):
            return _refusal(status, _wait(response.headers))
        error = error.__cause__ or error.__context__
    return None


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the hub asks to wait; in its own header it says when its limit ends."""
    reset = re.search(r";\s*t=(\d{1,9})", headers.get("ratelimit", ""))
    asked = retry_after(headers, now=time.time())
    return asked if asked is not None or reset is None else float(reset[1])


def _refusal(status: int, wait: float | None) -> Refusal:
    limits = status in (429, 503)
    what = "limits requests" if limits else "has trouble of its own"
    asked = f" and asks to wait {duration(wait)}" if wait else ""
    again = f"in {duration(wait)}" if wait else "later"
    more = "; who is logged in (`hf auth login`, or HF_TOKEN) may ask more often" if limits else ""
    return Refusal(f"the Hugging Face hub {what} ({status}){asked}", f"Try again {again}{more}.")


class OutOfReach(Exception):
    """The hub can't be asked now; the text says why. `refused`: its own answer, if it gave one."""

    def __init__(self, error: Exception) -> None:
        self.refused = refusal_in(error)
        super().__init__(self.refused.why if self.refused else out_of_reach())


def look_up(repository: str, revision: str | None, kind: Kind, *, timeout: float) -> Any:
    """What the hub says of a revision, with its commit as `sha`.

    Asked once, as the library's own attempts take half a minute. Raises OutOfReach, HUB_ERRORS.
    """
    try:
        return HfApi().repo_info(
            repository,
            revision=revision,
            repo_type=kind,
            files_metadata=kind == "model",
            timeout=timeout,
        )
    except errors.HfHubHTTPError as error:
        if refusal_in(error) is None:
            raise
        raise OutOfReach(error) from error
    # OfflineModeIsEnabled, or the HTTP client's own errors.
    except (ConnectionError, errors.HTTPError) as error:  # type: ignore[attr-defined]
        raise OutOfReach(error) from error


def out_of_reach() -> str:
    """Why the hub is out of reach, as far as that is known."""
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    return "the Hugging Face hub cannot be reached"


def refusal(
    error: type[Exception], repository: str, revision: str | None, kind: Kind
) -> tuple[str, str] | None:
    """What an error of the library says, and what to do; None if it is no refusal."""
    named, folder = _KINDS[kind], "datasets/" if kind == "dataset" else ""
    log_in = "log in with `hf auth login` or set HF_TOKEN."
    if issubclass(error, errors.GatedRepoError):
        return (
            f"The hub gives {repository} only to those who accepted its terms.",
            f"Accept them on https://huggingface.co/{folder}{repository}, then {log_in}",
        )
    if issubclass(error, errors.RepositoryNotFoundError):
        return (
            f"There is no folder {repository}, and the Hugging Face hub has no public {named} "
            f"{repository!r}.",
            f"Check the spelling (org/name). For a private {named} {log_in}",
        )
    if issubclass(error, errors.RevisionNotFoundError):
        return (
            f"{repository} has no revision {revision!r}.",
            "Leave out the @revision, or name a branch, tag or commit of that repository.",
        )
    return None


def said(error: Exception) -> str:
    """The first line of what an error says, or what it is called."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
