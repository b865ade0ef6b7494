"""What every question to a model needs: the way there, the words, and who is told of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from builder.llm.events import Dropped, LLMEvent
from builder.llm.parallel import ONE_AT_A_TIME, ParallelCalls
from builder.llm.prompts import ENGLISH, Prompts
from builder.llm.transport import ReplyT, Transport, ask


@dataclass(frozen=True, slots=True)
class Asking:
    """How questions get to a model and back; `parallel`: how many at a time."""

    transport: Transport
    emit: Callable[[LLMEvent], None]
    prompts: Prompts = ENGLISH
    parallel: ParallelCalls = ONE_AT_A_TIME

    def ask(self, purpose: str, question: str, reply_model: type[ReplyT]) -> ReplyT:
        return self.transport.complete(purpose, ask(question), reply_model)

    def drop(self, what: str, reasons: Iterable[str]) -> None:
        """Tells which parts of a reply can't be used, if any: see Dropped."""
        if told := tuple(reasons):
            self.emit(Dropped(what, told))
