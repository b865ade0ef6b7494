"""Models by a provider's own client (anthropic/..., google/...), through instructor.

Not verified against the providers: only what is common to instructor's clients was tested, with
openai's. Instructor chooses the form of answer; network retries are those of the provider's client.
"""

import json
import logging
import os
from collections.abc import Callable
from typing import Any

import instructor
from instructor.core import IncompleteOutputException, InstructorRetryException
from instructor.core.exceptions import ConfigurationError
from pydantic import BaseModel, ValidationError

from builder.errors import LLMError
from builder.llm.call_log import CallLog, Question
from builder.llm.cancel import Cancellation
from builder.llm.cost import Account
from builder.llm.events import LLMEvent
from builder.llm.schemas import Broken, Reply, problem_of, short
from builder.llm.settings import ModelSettings
from builder.llm.transcript import Usage, scrubbed
from builder.llm.transport import Message, ReplyT, TruncatedAnswer, UnusableAnswer

for _name in ("instructor", "httpx"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False

_COUNTS = {
    "prompt_tokens": ("input_tokens", "prompt_tokens", "prompt_token_count"),
    "completion_tokens": ("output_tokens", "completion_tokens", "candidates_token_count"),
}


class ProviderTransport:
    """Asks the model `settings.spec` ("provider/model") by an instructor client.

    An answer that can't be read at all is asked again `reasks` times with the error.
    """

    def __init__(
        self,
        client: instructor.Instructor,
        settings: ModelSettings,
        emit: Callable[[LLMEvent], None],
        *,
        reasks: int = 2,
    ) -> None:
        self._client: Any = client
        self._name = settings.spec
        # Instructor asks again by itself: beyond the reach of a budget of calls.
        self._reasks = reasks if settings.limits.max_calls is None else 0
        self._secrets = _secrets()
        self._call_log = CallLog(
            self._name,
            settings.transcript,
            emit,
            price=settings.price,
            limits=settings.limits,
            heard=settings.revisions_heard,
        )
        self._cancellation = Cancellation()

    @property
    def account(self) -> Account:
        return self._call_log.account

    def stop(self) -> None:
        """No further call starts; those in flight can't be ended by force."""
        cancellation, self._cancellation = self._cancellation, Cancellation()
        cancellation.stop()

    def complete(self, purpose: str, messages: list[Message], reply_model: type[ReplyT]) -> ReplyT:
        cancellation = self._cancellation
        question = Question(purpose, messages, reply_model.model_json_schema())
        if (paid := self._call_log.reused(question, reply_model)) is not None:
            return paid
        cancellation.check()
        sent = json.dumps([messages, question.schema], ensure_ascii=False)
        call = self._call_log.open(question, "provider", sent, messages, cancellation)
        cap = call.reservation.most_output
        try:
            reply, completion = self._client.create_with_completion(
                messages=messages,
                response_model=reply_model,
                # Each further request would be one that nothing was set aside for.
                max_retries=self._reasks if cap is None else 0,
                **({"max_tokens": cap} if cap is not None else {}),
            )
        except (InstructorRetryException, IncompleteOutputException) as error:
            failure = self._explained(error)
            self._call_log.failed(
                call,
                failure.message,
                at_work=True,
                attempts=getattr(error, "n_attempts", None) or 1,
                usage=_counts(getattr(error, "total_usage", None)),
            )
            raise failure from None
        except KeyboardInterrupt:
            self._call_log.failed(call, "stopped", at_work=True)
            raise
        # What is kept is without secrets; what is used stays as the model meant it.
        self._call_log.answered(call, self._scrub(_as_sent(reply)), _usage(completion))
        found: ReplyT = reply_model.model_validate_json(_as_sent(reply))
        return found

    def _explained(self, error: Exception) -> LLMError:
        cause = error.__cause__ or error
        if isinstance(cause, IncompleteOutputException):
            return TruncatedAnswer(
                f"The answer of {self._name} is cut off at its limit on output tokens.",
                hint="Use another model.",
            )
        if isinstance(cause, ValidationError):
            return UnusableAnswer(
                f"The answers of {self._name} do not have the form asked for: "
                f"{self._scrub(problem_of(cause))}.",
                hint="Try again, or try another model.",
            )
        return LLMError(
            f"The call to {self._name} failed: {short(self._scrub(str(cause)))}.",
            hint="Check the model's name, the provider's API key and its quota.",
        )

    def _scrub(self, text: str) -> str:
        for secret in self._secrets:
            text = scrubbed(text, secret)
        return text


def provider_client(provider: str, model: str) -> instructor.Instructor:
    """Instructor's client for `provider/model`. Raises LLMError where it can't be had."""
    try:
        client: Any = instructor.from_provider(f"{provider}/{model}")
    except (ConfigurationError, ImportError) as error:
        raise LLMError(
            f"{provider}/{model} needs a package or a setting that is not there: "
            f"{short(_without_secrets(str(error)))}",
            hint=f"Install the provider's client, e.g. pip install 'instructor[{provider}]', or "
            "use its OpenAI-compatible address with --llm-url.",
        ) from None
    except Exception as error:  # noqa: BLE001 - each client raises errors of its own
        raise LLMError(
            f"The client for {provider}/{model} cannot be opened: "
            f"{short(_without_secrets(str(error)))}.",
            hint="Set the provider's API key in the environment, as its documentation names it.",
        ) from None
    opened: instructor.Instructor = client
    return opened


def _secrets() -> list[str]:
    """Every key in the environment: which one a provider's client takes is its own affair."""
    endings = ("_KEY", "_TOKEN", "_SECRET")
    return [value for name, value in os.environ.items() if name.endswith(endings)]


def _without_secrets(text: str) -> str:
    for secret in _secrets():
        text = scrubbed(text, secret)
    return text


def _as_sent(reply: Reply) -> str:
    """The reply as JSON; providers give their answers in forms too different to keep."""

    def plain(value: Any) -> Any:
        if isinstance(value, Broken):
            return value.sent
        return value.model_dump(by_alias=True) if isinstance(value, BaseModel) else value

    fields = {name: getattr(reply, name) for name in type(reply).model_fields}
    return json.dumps({name: [plain(item) for item in items] for name, items in fields.items()})


def _usage(completion: Any) -> Usage:
    """Tokens, under the names that the providers' clients give them."""
    return _counts(
        getattr(completion, "usage", None) or getattr(completion, "usage_metadata", None)
    )


def _counts(found: Any) -> Usage:
    counts = {
        field: next(
            (count for name in names if type(count := getattr(found, name, None)) is int), None
        )
        for field, names in _COUNTS.items()
    }
    return Usage(**counts)
