"""Models by a provider's own client (anthropic/..., google/...), through instructor.

Not verified against the providers: only what is common to instructor's clients was tested, with
openai's. Instructor chooses the form of answer; network retries are those of the provider's client.
"""

import json
import os
from collections.abc import Callable
from typing import Any

import instructor
from instructor.core import IncompleteOutputException, InstructorRetryException
from instructor.core.exceptions import ConfigurationError
from pydantic import BaseModel, ValidationError

from builder.errors import LLMError
from builder.llm.call_log import LoggedTransport
from builder.llm.cancel import Cancellation
from builder.llm.events import LLMEvent
from builder.llm.schemas import Broken, Reply, problem_of, short
from builder.llm.settings import ModelSettings
from builder.llm.transcript import Question, Usage, scrubbed
from builder.llm.transport import ReplyT, TruncatedAnswer, UnusableAnswer


class ProviderTransport(LoggedTransport):
    """Asks the model `settings.spec` ("provider/model") by an instructor client.

    An answer that can't be read at all is asked again `reasks` times with the error. To stop ends
    no call in flight by force.
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
        # Instructor asks again by itself: beyond the reach of a budget of calls.
        self._reasks = reasks if settings.limits.max_calls is None else 0
        super().__init__(settings, emit)

    def _answer(
        self, question: Question, reply_model: type[ReplyT], cancellation: Cancellation
    ) -> ReplyT:
        cancellation.check()
        messages = question.messages
        sent = json.dumps([messages, question.schema], ensure_ascii=False)
        call = self.open(question, "provider", sent, messages, cancellation)
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
            tries = getattr(error, "n_attempts", None) or 1
            usage = Usage.counted(getattr(error, "total_usage", None))
            self.failed(call, failure.message, at_work=True, attempts=tries, usage=usage)
            raise failure from None
        except KeyboardInterrupt:
            self.failed(call, "stopped", at_work=True)
            raise
        # What is kept is without secrets; what is used stays as the model meant it.
        used = getattr(completion, "usage", None) or getattr(completion, "usage_metadata", None)
        self.answered(call, _without_secrets(_as_sent(reply)), Usage.counted(used))
        found: ReplyT = reply_model.model_validate_json(_as_sent(reply))
        return found

    def _explained(self, error: Exception) -> LLMError:
        cause = error.__cause__ or error
        if isinstance(cause, IncompleteOutputException):
            return TruncatedAnswer(
                f"The answer of {self._model} is cut off at its limit on output tokens.",
                hint="Use another model.",
            )
        if isinstance(cause, ValidationError):
            return UnusableAnswer(
                f"The answers of {self._model} do not have the form asked for: "
                f"{_without_secrets(problem_of(cause))}.",
                hint="Try again, or try another model.",
            )
        return LLMError(
            f"The call to {self._model} failed: {short(_without_secrets(str(cause)))}.",
            hint="Check the model's name, the provider's API key and its quota.",
        )


def provider_client(provider: str, model: str) -> Any:
    """Instructor's client for `provider/model`. Raises LLMError where it can't be had."""
    try:
        return instructor.from_provider(f"{provider}/{model}")
    except Exception as error:  # noqa: BLE001 - each client raises errors of its own
        hint = "Set the provider's API key in the environment, as its documentation names it."
        if isinstance(error, ConfigurationError | ImportError):
            hint = (
                f"Install the provider's client, e.g. pip install 'instructor[{provider}]', or "
                "use its OpenAI-compatible address with --llm-url."
            )
        raise LLMError(
            f"The client for {provider}/{model} cannot be opened: "
            f"{short(_without_secrets(str(error))).rstrip('.')}.",
            hint=hint,
        ) from None


def _without_secrets(text: str) -> str:
    """Without any key in the environment: which one a client takes is its own affair."""
    for name, value in os.environ.items():
        if name.endswith(("_KEY", "_TOKEN", "_SECRET")):
            text = scrubbed(text, value)
    return text


def _as_sent(reply: Reply) -> str:
    """The reply as JSON; providers give their answers in forms too different to keep."""

    def plain(value: Any) -> Any:
        if isinstance(value, Broken):
            return value.sent
        return value.model_dump(by_alias=True) if isinstance(value, BaseModel) else value

    fields = {name: getattr(reply, name) for name in type(reply).model_fields}
    return json.dumps({name: [plain(item) for item in items] for name, items in fields.items()})
