"""Everything that can go wrong in a way the user can act on.

    CotbuildError            exit code 1
    ├── InputError           exit code 2   a file, folder, flag or value the user gave
    ├── EncoderError         exit code 3   the image-text encoder or its cache
    ├── LLMError             exit code 4   the language model or its endpoint
    │   └── NoMoreAnswers                  what it may cost is spent, or a recording is at its end
    └── SessionError         exit code 5   the session folder: in use, damaged, newer version

Each carries what went wrong (`message`, with the reason) and what to do next (`hint`).
Library exceptions are translated where they arise, with the cause kept (`raise ... from error`).
"""


class CotbuildError(Exception):
    """Base of all errors shown to the user as one message instead of a traceback."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(CotbuildError):
    """A file, folder, flag or value the user gave cannot be used."""

    exit_code = 2


class EncoderError(CotbuildError):
    """The image-text encoder cannot be loaded or gave unusable vectors."""

    exit_code = 3


class LLMError(CotbuildError):
    """The language model, its endpoint or its answer cannot be used."""

    exit_code = 4


class NoMoreAnswers(LLMError):
    """A budget or a recording is used up: nothing is wrong with the model."""


class SessionError(CotbuildError):
    """The session folder cannot be used."""

    exit_code = 5
