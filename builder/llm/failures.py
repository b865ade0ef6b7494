"""What an endpoint can do wrong, in the user's words: openai's exceptions -> LLMError."""

import re
import time
from dataclasses import dataclass

import httpx
import openai
from openai.types.chat import ChatCompletion

from builder.errors import LLMError
from builder.llm.envelopes import Said
from builder.llm.schemas import short
from builder.llm.server_words import all_words, ended, is_page, told, wants_login
from builder.llm.transport import TruncatedAnswer, UnusableAnswer
from builder.waiting import duration, retry_after

KEY_VARIABLE = "OPENAI_API_KEY"
# What endpoints say of a form of answer that they don't take.
_FORM = re.compile(
    r"response_?format|schema|structured|grammar|guided|\bstrict\b|json_object|json mode|"
    r"\btools?(\b|_)|\bfunctions?(\b|_)"
)
_FORM_404 = re.compile("tool use|requested parameters|parameter|structured output|response_format")
_LENGTH = re.compile(
    "context.?(length|window|size)|maximum context|(prompt|input|request|message) is too long|"
    "too many (input )?tokens|reduce the length"
)
_CAP = re.compile("max_tokens|max_completion_tokens")
_CAP_UNKNOWN = re.compile("support|unknown|unrecog|extra")
# A wrong key, or an account without money, that is told with a status for everything.
_KEY = re.compile("api[ _-]?key|credential|unauthori[sz]ed|authenticat|invalid token")
# So is a key of the JSON that was sent.
_SOME_KEY = re.compile(
    r"\b(this|the|your|invalid|wrong|incorrect|bad|unknown|expired|missing) key\b|\bkey (is|was) "
)
_QUOTA = re.compile(
    "insufficient_quota|quota|billing|payment|(credit|balance)s? (is|are)? ?(too )?low"
)
# The model wrote what the endpoint itself can't read.
_BROKEN = re.compile(
    "json_validate_failed|tool_use_failed|output_parse_failed|failed to (generate|validate) json"
)
_LOGIN_FIRST = (
    "This is a page to log in, of your network perhaps: open it in a browser, log in and try "
    "again. Else check --llm-url."
)
_AGAIN = "Try again, or try another model."
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
    511: ("is behind a network that wants a login", _LOGIN_FIRST),
    407: (
        "is behind a proxy that wants a login",
        "Set HTTPS_PROXY to the proxy's address with name and password.",
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
# Statuses that say little: the words count.
_VAGUE = (400, 413, 422, 500)
_SOFT_RETRIES = 2
# A longer wait than this is the user's to decide on. Seconds.
LONGEST_WAIT = 120.0


class NoAnswer(LLMError):
    """A request that got no answer.

    `retries`: how often it is worth trying again. `wait`: seconds that the endpoint asks for, None
    if it names none. `at_work`: the model may have answered, and its owner may charge for that.
    `unproven`: what it is instead where the form of answer never worked before.
    """

    unproven: "SchemaRefused | None" = None

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
    """The endpoint does not answer in this form; `lasting`: nor will it in a later run."""

    lasting = True


class SchemaDoubted(SchemaRefused):
    """It failed at this form, which may be a fault in passing."""

    lasting = False


class SchemaIgnored(SchemaRefused):
    """It did not say so, but didn't."""

    lasting = False


class CapRefused(LLMError):
    """The endpoint does not take so high a limit on output tokens."""


class CapUnknown(CapRefused):
    """It does not take it under this name."""


class Unfit(Exception):
    """A reply that is not read to its end; the text says how it comes."""


class Moved(Unfit):
    """A redirect that is not followed; the text says where it leads."""


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
            case openai.APIConnectionError(__cause__=Moved() as moved):
                return NoAnswer(
                    f"{self.url} sends the request on {moved}; nothing was sent there.",
                    hint=_LOGIN_FIRST
                    if wants_login(str(moved))
                    else "If that is the model's address, give it with --llm-url. A network that "
                    "wants a login first sends requests on too: open any page in a browser.",
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
        status, words, said = error.status_code, all_words(error.body), ended(told(error.body))
        if status in (408, 409, 429):
            return self._busy(error, said)
        of_form = _FORM_404 if status == 404 else _FORM
        names_form = of_form.search(words) is not None
        if status in _VAGUE:
            if _BROKEN.search(words):
                return self._broken(status, said)
            if capped and _CAP.search(words):
                unknown = _CAP_UNKNOWN.search(words) and "at most" not in words
                return (CapUnknown if unknown else CapRefused)(
                    f"{self.url} does not take this limit on output tokens ({status}){said}",
                    hint="Leave --max-cost and --max-tokens out, or use another model or endpoint.",
                )
            # Before the forms: what is too long is often "messages, tools and schema" together.
            if status == 413 or _LENGTH.search(words):
                return NoAnswer(
                    f"The question is too long for {self.model} ({status}){said}",
                    hint="Use a model with a larger context, or give it less: shorter --context or "
                    "descriptions of classes.",
                )
            if _KEY.search(words) or (not names_form and _SOME_KEY.search(words)):
                return self._final(status, said, *_FINAL[401])
            if _QUOTA.search(words):
                return self._final(status, said, *_FINAL[402])
        if names_form and status in (400, 404, 422):
            return SchemaRefused(
                f"{self.url} does not take a JSON schema ({status}){said}",
                hint="Use another model or endpoint.",
            )
        if status in _FINAL:
            return self._final(status, said, *_FINAL[status])
        failure = (
            self._busy(error, said) if status >= 500 else self._final(status, said, *_REJECTED)
        )
        # A gateway's statuses are about time, and about the form only where they say so.
        if names_form or status < 502:
            kind = SchemaRefused if names_form or status < 500 else SchemaDoubted
            failure.unproven = kind(failure.message, hint=failure.hint)
        return failure

    def _final(self, status: int, said: str, what: str, hint: str) -> NoAnswer:
        return NoAnswer(f"{self.url} {what.format(model=self.model)} ({status}){said}", hint=hint)

    def _broken(self, status: int, said: str) -> NoAnswer:
        """The model's slip, which the endpoint tells as a failure of the request."""
        failure = self._soft(
            f"{self.model} wrote an answer that {self.url} cannot read ({status}){said}"
        )
        failure.at_work = True
        failure.unproven = SchemaIgnored(failure.message, hint=failure.hint)
        return failure

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
            f"{self.url} {what} ({status}){asked}{said}",
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
        if said.refusal or said.finish_reason == "content_filter":
            reason = short(said.refusal or "its content filter stepped in")
            return UnusableAnswer(
                f"{self.model} refuses to answer{ended(reason)}",
                hint="Reword the classes' descriptions or the domain, or use another model.",
            )
        if not said.text(called=False):
            return self._soft(f"{self.model} gave an empty answer.")
        return None

    def _without_choices(self, completion: ChatCompletion) -> NoAnswer:
        """OpenRouter and others tell the error of the provider behind them with a 200."""
        body = completion.model_extra or {}
        error = body.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        return self._soft(
            f"{self.url} answered without an answer{ended(told(body) or 'there are no choices')}",
            "Try again later, or try another model.",
            lasting=isinstance(code, int) and 400 <= code < 500 and code not in (408, 409, 429),
        )

    def unreadable(self, body: object = None) -> NoAnswer:
        """`body`: what came instead of an answer, as far as it is known."""
        text = body if isinstance(body, str) else ""
        said, none = told(body), "not in the OpenAI chat-completions protocol"
        if is_page(text):
            title = f" ({said})" if said else ""
            what, login = f"answers with a web page{title}, {none}.", wants_login(text)
        else:
            what, login = f"answers, but {none}{ended(said)}", False
        hint = _LOGIN_FIRST if login else "Check --llm-url; the address usually ends in /v1."
        return self._soft(f"{self.url} {what}", hint, lasting=login)

    def _soft(self, message: str, hint: str = _AGAIN, *, lasting: bool = False) -> NoAnswer:
        """An answer that is none, without an error: it comes about in passing; more often not."""
        retries = 0 if lasting else min(self.retries, _SOFT_RETRIES)
        return NoAnswer(message, hint=hint, retries=retries)
