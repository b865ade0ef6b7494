"""Flows of questions in which Esc goes back one question, and every answer given is kept.

A flow is a plain function that asks one question after the other. To go back, it is run again with
all answers but the last. So it must ask the same questions after the same answers, and do nothing
that can't be done twice before its last one.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from builder.terminal.asker import Asker, Check, CheckMany, Key

T = TypeVar("T")
Answer = str | bool | tuple[str, ...]
A = TypeVar("A", str, bool, tuple[str, ...])


class GoBack(Exception):
    """Raised in a flow to ask the question before again."""


def stepwise(
    asker: Asker, flow: Callable[["Steps"], T], interrupted: Callable[[], None] | None = None
) -> T | None:
    """What the flow returns; None when the person goes back before its first question.

    With `interrupted`, which is then called, a question asked again follows the first Ctrl-C in it.
    """
    given: list[Answer] = []
    remembered: dict[tuple[str, int], Answer] = {}
    while True:
        steps = Steps(asker, remembered, given[::-1], interrupted)
        try:
            return flow(steps)
        except GoBack:
            if not steps.given:
                return None
            given = steps.given[:-1]


@dataclass(slots=True)
class Steps:
    """Asks the questions of one run of a flow; those of the answers that are `left` not again.

    `remembered` holds what was answered in former runs, by title and by how often that title was
    asked before: what a question offers as its default, where it still can be.
    """

    asker: Asker
    remembered: dict[tuple[str, int], Answer]
    left: list[Answer]
    interrupted: Callable[[], None] | None
    asked: Counter[str] = field(default_factory=Counter)
    given: list[Answer] = field(default_factory=list)

    def key(self, title: str, keys: Sequence[Key]) -> str:
        return self._answer(title, "", lambda _: self.asker.key(title, keys))

    def pick(self, title: str, texts: Sequence[str], default: str | None = None) -> str:
        def ask(before: str) -> str | None:
            return self.asker.pick(title, texts, before if before in texts else default)

        return self._answer(title, "", ask)

    def pick_many(
        self,
        title: str,
        texts: Sequence[str],
        chosen: Collection[str] = (),
        check: CheckMany | None = None,
    ) -> tuple[str, ...]:
        def ask(before: tuple[str, ...]) -> tuple[str, ...] | None:
            return self.asker.pick_many(title, texts, set(before) & set(texts), check)

        return self._answer(title, tuple(chosen), ask)

    def text(self, title: str, default: str = "", check: Check | None = None) -> str:
        return self._answer(title, default, lambda before: self.asker.text(title, before, check))

    def confirm(self, title: str, *, default: bool) -> bool:
        return self._answer(
            title, default, lambda before: self.asker.confirm(title, default=before)
        )

    def _answer(self, title: str, default: A, ask: Callable[[A], A | None]) -> A:
        """The answer given before, or the one given now, `default` or what was answered first."""
        place = (title, self.asked[title])
        self.asked[title] += 1
        kind = type(default)
        before = self.remembered.get(place, default)
        answer: Answer | None
        if self.left:
            answer = self.left.pop()
        else:
            answer = self._ask(ask, before if isinstance(before, kind) else default)
        if answer is None:
            raise GoBack
        if not isinstance(answer, kind):
            raise TypeError(f"{title!r} is not what was asked after the same answers before")
        self.remembered[place] = answer
        self.given.append(answer)
        return answer

    def _ask(self, ask: Callable[[A], A | None], before: A) -> A | None:
        try:
            return ask(before)
        except KeyboardInterrupt:
            if self.interrupted is None:
                raise
            self.interrupted()
        return ask(before)
