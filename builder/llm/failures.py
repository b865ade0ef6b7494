"""What an endpoint can do wrong, in the user's words: openai's exceptions -> LLMError."""

import openai
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice

from builder.errors import LLMError
from builder.llm.schemas import short
from builder.llm.transport import TruncatedAnswer

KEY_VARIABLE = "OPENAI_API_KEY"
_SCHEMA_WORDS = ("response_format", "schema", "structured", "grammar", "strict")


class SchemaRefused(LLMError):
    """The endpoint does not answer in a strict JSON schema."""


def explained(error: openai.OpenAIError, *, url: str, model: str, timeout: float) -> LLMError:
    """One message with what, why and what next. `url`: the endpoint's base, `timeout`: seconds."""
    match error:
        case openai.APITimeoutError():
            return LLMError(
                f"The language model at {url} did not answer within {timeout:g} s.",
                hint="Try again later, or use a faster model or endpoint.",
            )
        case openai.APIConnectionError():
            return LLMError(
                f"The language model's endpoint {url} cannot be reached: "
                f"{short(str(error.__cause__ or error))}.",
                hint="Check that the server runs and that --llm-url is its address.",
            )
        case openai.APIStatusError():
            return _refused(error, url, model)
        case openai.APIResponseValidationError():
            return unreadable(url)
        case _:
            return LLMError(
                f"The call to {url} failed: {short(str(error))}.", hint="Check --llm and --llm-url."
            )


def _refused(error: openai.APIStatusError, url: str, model: str) -> LLMError:
    said = _said(error)
    match error.status_code:
        case 401 | 403:
            return LLMError(
                f"{url} does not accept the API key ({error.status_code}){said}.",
                hint=f"Set {KEY_VARIABLE} to a key that is valid for this endpoint.",
            )
        case 404:
            return LLMError(
                f"{url} knows no model {model!r}, or is no OpenAI-compatible address (404){said}.",
                hint="Check --llm and --llm-url; the address usually ends in /v1.",
            )
        case 429:
            wait = error.response.headers.get("retry-after", "")
            asked = f"it asks to wait {wait} s" if wait.isdecimal() else "it names no waiting time"
            return LLMError(
                f"{url} refuses more requests for now (429), {asked}{said}.",
                hint="Wait and run the command again, or check the account's quota.",
            )
        case status if status >= 500:
            return LLMError(
                f"{url} failed itself ({status}){said}.",
                hint="Try again later; a local server may say more in its own log.",
            )
        case 400 | 422 if any(word in str(error.body).lower() for word in _SCHEMA_WORDS):
            return SchemaRefused(
                f"{url} does not take a JSON schema ({error.status_code}){said}.",
                hint="Use another model or endpoint.",
            )
        case status:
            return LLMError(
                f"{url} rejects the request ({status}){said}.",
                hint="Check that the model is a chat model with a large enough context.",
            )


def _said(error: openai.APIStatusError) -> str:
    """The endpoint's own words, if any: its message, not a whole HTML page."""
    message = error.body.get("message") if isinstance(error.body, dict) else None
    if isinstance(error.body, dict) and not isinstance(message, str):
        message = error.body.get("detail") or error.body.get("error")
    return f": {short(message)}" if isinstance(message, str) and message.strip() else ""


def unreadable(url: str) -> LLMError:
    return LLMError(
        f"{url} answers, but not in the OpenAI chat-completions protocol.",
        hint="Check --llm-url; the address usually ends in /v1.",
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


def failure_in(completion: ChatCompletion, *, url: str, model: str) -> LLMError | None:
    """What keeps an answered request from being an answer; None when there is one to read."""
    if not completion.choices:
        error = (completion.model_extra or {}).get("error")
        reason = error.get("message") if isinstance(error, dict) else None
        said = f": {short(reason)}" if isinstance(reason, str) else " (no choices)"
        return LLMError(
            f"{url} answered without an answer{said}.",
            hint="Try again later, or try another model.",
        )
    choice = first_choice(completion)
    if choice is None:
        return unreadable(url)
    message, finish = choice.message, choice.finish_reason
    if finish == "length":
        return TruncatedAnswer(
            f"The answer of {model} is cut off at its limit on output tokens.",
            hint="Raise the endpoint's limit on output tokens or use another model.",
        )
    if message.refusal or finish == "content_filter":
        reason = short(message.refusal or "its content filter stepped in")
        return LLMError(
            f"{model} refuses to answer: {reason}.",
            hint="Reword the classes' descriptions or the domain, or use another model.",
        )
    if not message.content:
        return LLMError(f"{model} gave an empty answer.", hint="Try again, or try another model.")
    return None
