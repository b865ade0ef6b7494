"""What an endpoint can do wrong, in the user's words: openai's exceptions -> LLMError."""

import json
import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import httpx
import openai
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice

from builder.errors import LLMError
from builder.llm.schemas import short
from builder.llm.transport import TruncatedAnswer, UnusableAnswer

KEY_VARIABLE = "OPENAI_API_KEY"
# What endpoints say of a form of answer that they don't know; of those, some say 404.
_FORM_WORDS = (
    "response_format",
    "schema",
    "structured",
    "grammar",
    "strict",
    "json_object",
    "tool",
    "function",
)
_FORM_WORDS_404 = ("tool use", "requested parameters", "structured output")
_LENGTH_WORDS = ("context length", "context_length", "context window", "maximum context")
_CAP_WORDS = ("max_tokens", "max_completion_tokens")
# An answer that is none, without an error, comes about in passing; more often it stays.
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
    """The endpoint does not answer in this form; `ignored`: it did not say so, but didn't."""

    def __init__(self, message: str, *, hint: str = "", ignored: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.ignored = ignored


class CapRefused(LLMError):
    """The endpoint does not take the limit on output tokens; `unknown`: not under this name."""

    def __init__(self, message: str, *, hint: str = "", unknown: bool) -> None:
        super().__init__(message, hint=hint)
        self.unknown = unknown


def explained(
    error: openai.OpenAIError,
    *,
    url: str,
    model: str,
    timeout: float,
    retries: int,
    capped: bool,
) -> LLMError:
    """One message with what, why and what next.

    `url`: the endpoint's base, `timeout`: seconds, `retries`: for failures that may pass,
    `capped`: the request limited its output.
    """
    match error:
        case openai.APITimeoutError():
            connecting = isinstance(error.__cause__, httpx.ConnectTimeout)
            return NoAnswer(
                f"The language model at {url} did not answer within {timeout:g} s."
                if not connecting
                else f"The language model's endpoint {url} cannot be reached: no answer in time.",
                hint="Try again later, or use a faster model or endpoint.",
                # Once more, for a connection that was lost; a model that is slow stays slow.
                retries=min(retries, 1),
                at_work=not connecting,
            )
        case openai.APIConnectionError(__cause__=TooLong() as cause):
            return NoAnswer(
                f"{url} answers with more than {cause.limit / 1e6:g} MB; that is no answer.",
                hint="Check --llm-url, or use another model.",
                at_work=True,
            )
        case openai.APIConnectionError(__cause__=Compressed() as cause):
            return NoAnswer(
                f"{url} answers compressed ({short(cause.encoding, 40)}), which was not asked for.",
                hint="Check --llm-url, and what stands between here and the endpoint.",
                at_work=True,
            )
        case openai.APIConnectionError(__cause__=httpx.ConnectError() as cause):
            # Nobody is there: waiting a second helps as little as it does in a browser.
            return NoAnswer(
                f"The language model's endpoint {url} cannot be reached: "
                f"{short(str(cause)).rstrip('.')}.",
                hint="Check that the server runs and that --llm-url is its address.",
            )
        case openai.APIConnectionError():
            return NoAnswer(
                f"The connection to {url} broke off before the whole answer came: "
                f"{short(str(error.__cause__ or error)).rstrip('.')}.",
                hint="Try again; a local server may say more in its own log.",
                retries=retries,
                at_work=True,
            )
        case openai.APIStatusError():
            return _refused(error, url, model, retries, capped)
        case openai.APIResponseValidationError():
            return unreadable(url, retries)
        case _:
            return NoAnswer(
                f"The call to {url} failed: {short(str(error)).rstrip('.')}.",
                hint="Check --llm and --llm-url.",
            )


class TooLong(Exception):
    """A reply of more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


class Compressed(Exception):
    """A reply in a content encoding: short as it comes, it could be very long."""

    def __init__(self, encoding: str) -> None:
        super().__init__(encoding)
        self.encoding = encoding


def _refused(
    error: openai.APIStatusError, url: str, model: str, retries: int, capped: bool
) -> LLMError:
    said = _said(error)
    words = str(error.body).lower()
    match error.status_code:
        case 401:
            return NoAnswer(
                f"{url} does not accept the API key (401){said}.",
                hint=f"Set {KEY_VARIABLE} to a key that is valid for this endpoint.",
            )
        case 402:
            return NoAnswer(
                f"{url} wants to be paid first (402){said}.",
                hint="Check the account's credit and quota, or use another model.",
            )
        case 403:
            return NoAnswer(
                f"{url} forbids the request (403){said}.",
                hint=f"Check that the key in {KEY_VARIABLE} may use this model, and that the "
                "endpoint serves your region and does not moderate such texts.",
            )
        case 404 if not any(word in words for word in _FORM_WORDS_404):
            return NoAnswer(
                f"{url} knows no model {model!r}, or is no OpenAI-compatible address (404){said}.",
                hint="Check --llm and --llm-url; the address usually ends in /v1.",
            )
        case 408 | 409 | 429:
            return _busy(error, url, retries)
        case status if status >= 500:
            return _busy(error, url, retries)
        case 400 | 422 if capped and any(word in words for word in _CAP_WORDS):
            unknown = any(word in words for word in ("support", "unknown", "unrecog", "extra"))
            return CapRefused(
                f"{url} does not take this limit on output tokens ({error.status_code}){said}.",
                hint="Leave --max-cost and --max-tokens out, or use another model or endpoint.",
                unknown=unknown and "at most" not in words,
            )
        # Before the forms: what is too long is often "messages, tools and schema" together.
        case 400 | 413 | 422 if any(word in words for word in _LENGTH_WORDS):
            return NoAnswer(
                f"The question is too long for {model} ({error.status_code}){said}.",
                hint="Use a model with a larger context, or give it less: shorter --context or "
                "descriptions of classes.",
            )
        case 400 | 404 | 422 if any(word in words for word in _FORM_WORDS):
            return SchemaRefused(
                f"{url} does not take a JSON schema ({error.status_code}){said}.",
                hint="Use another model or endpoint.",
            )
        case status:
            return NoAnswer(
                f"{url} rejects the request ({status}){said}.",
                hint="Check that the model is a chat model with a large enough context.",
            )


def _busy(error: openai.APIStatusError, url: str, retries: int) -> NoAnswer:
    """A failure that may pass, unless it says that it won't soon."""
    said, status = _said(error), error.status_code
    wait = retry_after(error.response.headers, now=time.time())
    asked = "it names no waiting time" if wait is None else f"it asks to wait {duration(wait)}"
    # An account without money is refused like one in a hurry.
    final = error.code == "insufficient_quota" or (wait is not None and wait > LONGEST_WAIT)
    left = 0 if final else retries
    if status == 429:
        return NoAnswer(
            f"{url} refuses more requests for now (429), {asked}{said}.",
            hint="Wait and run the command again, or check the account's quota.",
            retries=left,
            wait=wait,
        )
    waiting = f", {asked}" if wait is not None else ""
    what = "failed itself" if status >= 500 else "was not ready for the request"
    return NoAnswer(
        f"{url} {what} ({status}){waiting}{said}.",
        hint="Try again later; a local server may say more in its own log.",
        retries=left,
        wait=wait,
    )


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


def unreadable(url: str, retries: int) -> NoAnswer:
    return NoAnswer(
        f"{url} answers, but not in the OpenAI chat-completions protocol.",
        hint="Check --llm-url; the address usually ends in /v1.",
        retries=min(retries, _SOFT_RETRIES),
    )


def first_choice(completion: ChatCompletion) -> Choice | None:
    """The first choice if it holds a message of text, or of nothing.

    openai does not validate what it received: any field may be missing or of another type.
    """
    choices: object = completion.choices
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.message if isinstance(choice, Choice) else None
    if not isinstance(choice, Choice) or not isinstance(message, ChatCompletionMessage):
        return None
    texts: tuple[object, ...] = (message.content, message.refusal)
    return choice if all(isinstance(text, str | None) for text in texts) else None


def called_tool(message: ChatCompletionMessage) -> tuple[str, str]:
    """Name and arguments (JSON) of the first tool that was called; "" for what is not there.

    Some servers send the arguments as an object instead of its text.
    """
    calls: object = message.tool_calls
    function = getattr(calls[0], "function", None) if isinstance(calls, list) and calls else None
    name, arguments = getattr(function, "name", None), getattr(function, "arguments", None)
    if isinstance(arguments, dict):
        arguments = json.dumps(arguments, ensure_ascii=False)
    if not isinstance(name, str) or not isinstance(arguments, str):
        return "", ""
    return name, arguments


def failure_in(
    completion: ChatCompletion, *, url: str, model: str, retries: int
) -> LLMError | None:
    """What keeps an answered request from being an answer; None when there is one to read.

    `retries`: for failures that may pass.
    """
    if not completion.choices:
        return _without_choices(completion, url, retries)
    choice = first_choice(completion)
    if choice is None:
        return unreadable(url, retries)
    message, finish = choice.message, choice.finish_reason
    if finish == "length":
        return TruncatedAnswer(
            f"The answer of {model} is cut off at its limit on output tokens.",
            hint="Raise the endpoint's limit on output tokens or use another model.",
        )
    if message.refusal or finish == "content_filter":
        reason = short(message.refusal or "its content filter stepped in")
        return UnusableAnswer(
            f"{model} refuses to answer: {reason}.",
            hint="Reword the classes' descriptions or the domain, or use another model.",
        )
    if not message.content and not message.tool_calls:
        return NoAnswer(
            f"{model} gave an empty answer.",
            hint="Try again, or try another model.",
            retries=min(retries, _SOFT_RETRIES),
        )
    return None


def _without_choices(completion: ChatCompletion, url: str, retries: int) -> NoAnswer:
    """OpenRouter and others tell the error of the provider behind them with a 200."""
    error = (completion.model_extra or {}).get("error")
    told = error if isinstance(error, dict) else {}
    reason, code = told.get("message"), told.get("code")
    said = f": {short(reason)}" if isinstance(reason, str) else " (no choices)"
    lasting = isinstance(code, int) and 400 <= code < 500 and code not in (408, 409, 429)
    return NoAnswer(
        f"{url} answered without an answer{said}.",
        hint="Try again later, or try another model.",
        retries=0 if lasting else min(retries, _SOFT_RETRIES),
    )
