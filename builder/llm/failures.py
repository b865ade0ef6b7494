"""What an endpoint can do wrong, in the user's words: openai's exceptions -> LLMError."""

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx
import openai
from openai.types.chat import ChatCompletion

from builder.errors import LLMError
from builder.llm.envelopes import Said
from builder.llm.schemas import short
from builder.llm.transport import TruncatedAnswer, UnusableAnswer

KEY_VARIABLE = "OPENAI_API_KEY"
# What endpoints say of a form of answer that they don't know, by status.
_FORM = re.compile("response_format|schema|structured|grammar|strict|json_object|tool|function")
_FORM_WORDS = {
    400: _FORM,
    422: _FORM,
    404: re.compile("tool use|requested parameters|structured output"),
}
_LENGTH = re.compile("context length|context_length|context window|maximum context")
_CAP = re.compile("max_tokens|max_completion_tokens")
_CAP_UNKNOWN = re.compile("support|unknown|unrecog|extra")
# What a status that is final says, and what helps.
_FINAL = {
    401: (
        "does not accept the API key",
        f"Set {KEY_VARIABLE} to a key that is valid for this endpoint.",
    ),
    402: ("wants to be paid first", "Check the account's credit and quota, or use another model."),
    403: (
        "forbids the request",
        f"Check that the key in {KEY_VARIABLE} may use this model, and that the endpoint serves "
        "your region and does not moderate such texts.",
    ),
    404: (
        "knows no model {model!r}, or is no OpenAI-compatible address",
        "Check --llm and --llm-url; the address usually ends in /v1.",
    ),
}
_REJECTED = (
    "rejects the request",
    "Check that the model is a chat model with a large enough context.",
)
_SOFT_RETRIES = 2
# A longer wait than this is the user's to decide on. Seconds.
LONGEST_WAIT = 120.0


class NoAnswer(LLMError):
    """A request that got no answer.

    `retries`: how often it is worth trying again. `wait`: seconds that the endpoint asks for, None
    if it names none. `at_work`: the model may have answered, and its owner may charge for that.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        retries: int = 0,
        wait: float | None = None,
        at_work: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.retries = retries
        self.wait = wait
        self.at_work = at_work


class SchemaRefused(LLMError):
    """The endpoint does not answer in this form."""


class SchemaIgnored(SchemaRefused):
    """It did not say so, but didn't."""


class CapRefused(LLMError):
    """The endpoint does not take so high a limit on output tokens."""


class CapUnknown(CapRefused):
    """It does not take it under this name."""


class Unfit(Exception):
    """A reply that is not read to its end; the text says how it comes."""


@dataclass(frozen=True, slots=True)
class Failures:
    """What can go wrong with one model at one endpoint, with what, why and what next.

    `url`: the endpoint's base, `retries`: for failures that may pass.
    """

    url: str
    model: str
    retries: int

    def explained(self, error: openai.OpenAIError, *, capped: bool) -> LLMError:
        """`capped`: the request limited its output."""
        why = error.__cause__ or error
        reason = short(str(why)).rstrip(".") or type(why).__name__
        match error:
            case openai.APIConnectionError(
                __cause__=httpx.ConnectError() | httpx.ConnectTimeout() as cause
            ):
                # Where nobody is waiting helps as little as it does in a browser; but a connection
                # may be lost once.
                slow = isinstance(cause, httpx.ConnectTimeout)
                return NoAnswer(
                    f"The language model's endpoint {self.url} cannot be reached: {reason}.",
                    hint="Check that the server runs and that --llm-url is its address.",
                    retries=min(self.retries, 1) if slow else 0,
                )
            case openai.APIConnectionError(__cause__=Unfit()):
                return NoAnswer(
                    f"{self.url} answers {reason}.",
                    hint="Check --llm-url, and what stands between here and the endpoint.",
                    at_work=True,
                )
            case openai.APIConnectionError():
                return NoAnswer(
                    f"The connection to {self.url} broke off before the whole answer came: "
                    f"{reason}.",
                    hint="Try again; a local server may say more in its own log.",
                    retries=self.retries,
                    at_work=True,
                )
            case openai.APIStatusError():
                return self._refused(error, capped)
            case openai.APIResponseValidationError():
                return self.unreadable()
        return NoAnswer(
            f"The call to {self.url} failed: {reason}.", hint="Check --llm and --llm-url."
        )

    def silent(self, seconds: float, *, begun: bool) -> NoAnswer:
        """`begun`: a part of the answer came before."""
        silent = f"was silent for {seconds:g} s in the middle of its answer"
        return NoAnswer(
            f"The language model at {self.url} "
            f"{silent if begun else f'did not answer within {seconds:g} s'}.",
            hint="Try again later, use a faster model or endpoint, or allow more: "
            "--llm-timeout SECONDS.",
            # A model that is slow stays slow.
            retries=min(self.retries, 1),
            at_work=True,
        )

    def _refused(self, error: openai.APIStatusError, capped: bool) -> LLMError:
        status, said, words = error.status_code, _said(error), str(error.body).lower()
        if status in (408, 409, 429) or status >= 500:
            return self._busy(error, said)
        if status in (400, 422) and capped and _CAP.search(words):
            unknown = _CAP_UNKNOWN.search(words) and "at most" not in words
            return (CapUnknown if unknown else CapRefused)(
                f"{self.url} does not take this limit on output tokens ({status}){said}.",
                hint="Leave --max-cost and --max-tokens out, or use another model or endpoint.",
            )
        # Before the forms: what is too long is often "messages, tools and schema" together.
        if status in (400, 413, 422) and _LENGTH.search(words):
            return NoAnswer(
                f"The question is too long for {self.model} ({status}){said}.",
                hint="Use a model with a larger context, or give it less: shorter --context or "
                "descriptions of classes.",
            )
        if status in _FORM_WORDS and _FORM_WORDS[status].search(words):
            return SchemaRefused(
                f"{self.url} does not take a JSON schema ({status}){said}.",
                hint="Use another model or endpoint.",
            )
        what, hint = _FINAL.get(status, _REJECTED)
        return NoAnswer(f"{self.url} {what.format(model=self.model)} ({status}){said}.", hint=hint)

    def _busy(self, error: openai.APIStatusError, said: str) -> NoAnswer:
        """A failure that may pass, unless it says that it won't soon."""
        status = error.status_code
        wait = retry_after(error.response.headers, now=time.time())
        asked = f", it asks to wait {duration(wait)}" if wait is not None else ""
        # An account without money is refused like one in a hurry.
        final = error.code == "insufficient_quota" or (wait is not None and wait > LONGEST_WAIT)
        what = "failed itself" if status >= 500 else "was not ready for the request"
        hint = "Try again later; a local server may say more in its own log."
        if status == 429:
            what = "refuses more requests for now"
            asked = asked or ", it names no waiting time"
            hint = "Wait and run the command again, or check the account's quota."
        return NoAnswer(
            f"{self.url} {what} ({status}){asked}{said}.",
            hint=hint,
            retries=0 if final else self.retries,
            wait=wait,
        )

    def in_answer(self, completion: ChatCompletion, said: Said | None) -> LLMError | None:
        """What keeps an answered request from being an answer; None when there is one to read."""
        if not completion.choices:
            return self._without_choices(completion)
        if said is None:
            return self.unreadable()
        if said.finish_reason == "length":
            return TruncatedAnswer(
                f"The answer of {self.model} is cut off at its limit on output tokens.",
                hint="Raise the endpoint's limit on output tokens or use another model.",
            )
        refusal = said.message.refusal
        if refusal or said.finish_reason == "content_filter":
            reason = short(refusal or "its content filter stepped in")
            return UnusableAnswer(
                f"{self.model} refuses to answer: {reason}.",
                hint="Reword the classes' descriptions or the domain, or use another model.",
            )
        if not said.message.content and not said.message.tool_calls:
            return self._soft(
                f"{self.model} gave an empty answer.", "Try again, or try another model."
            )
        return None

    def _without_choices(self, completion: ChatCompletion) -> NoAnswer:
        """OpenRouter and others tell the error of the provider behind them with a 200."""
        error = (completion.model_extra or {}).get("error")
        told = error if isinstance(error, dict) else {}
        reason, code = told.get("message"), told.get("code")
        said = f": {short(reason)}" if isinstance(reason, str) else " (no choices)"
        return self._soft(
            f"{self.url} answered without an answer{said}.",
            "Try again later, or try another model.",
            lasting=isinstance(code, int) and 400 <= code < 500 and code not in (408, 409, 429),
        )

    def unreadable(self) -> NoAnswer:
        return self._soft(
            f"{self.url} answers, but not in the OpenAI chat-completions protocol.",
            "Check --llm-url; the address usually ends in /v1.",
        )

    def _soft(self, message: str, hint: str, *, lasting: bool = False) -> NoAnswer:
        """An answer that is none, without an error: it comes about in passing; more often not."""
        retries = 0 if lasting else min(self.retries, _SOFT_RETRIES)
        return NoAnswer(message, hint=hint, retries=retries)


def retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds from `now` (since 1970) that the endpoint asks to wait; None if it asks for none.

    `retry-after-ms`, or `Retry-After` as seconds or as an HTTP date (RFC 9110, 10.2.3).
    """
    milliseconds, given = headers.get("retry-after-ms", ""), headers.get("retry-after", "")
    for text, unit in ((milliseconds, 1e-3), (given, 1.0)):
        try:
            seconds = float(text) * unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    try:
        return max(0.0, parsedate_to_datetime(given).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def duration(seconds: float) -> str:
    """A waiting time in words: "20 s", "2 min 5 s", "1 h 0 min"."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _said(error: openai.APIStatusError) -> str:
    """The endpoint's own words, if any: its message, not a whole HTML page."""
    message = error.body.get("message") if isinstance(error.body, dict) else None
    if isinstance(error.body, dict) and not isinstance(message, str):
        message = error.body.get("detail") or error.body.get("error")
    return f": {short(message)}" if isinstance(message, str) and message.strip() else ""
