"""Answers that a language model is writing, in words for the line that shows a step."""

from builder.llm.events import CallStreams, LLMEvent
from builder.scoring.wording import counted


def stream_words(event: LLMEvent) -> tuple[str, str]:
    """What is being written, "draft groups, 214 tokens", and how fast, ", 12 tokens/s".

    Both are empty where nothing is.
    """
    if not isinstance(event, CallStreams):
        return "", ""
    calls = len(event.purposes)
    who = event.purposes[0] if calls == 1 else counted(calls, "call")
    rate = ""
    if event.rate is not None:
        rate = f", {event.rate:.{0 if event.rate >= 10 else 1}f} tokens/s"
    return f"{who}, {counted(event.tokens, 'token')}", rate
