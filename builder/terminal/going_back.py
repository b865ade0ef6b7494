"""Flows of questions in which Esc goes back one question, and every answer given is kept.

A flow is a plain function that asks one question after the other. To go back, it is run again with
all answers but the last. So it must ask the same questions after the same answers, and do nothing
that can't be done twice before its last one.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from builder.terminal.asker import Asker, Check, CheckMany, Key

T = TypeVar("T")
Answer = str | bool | tuple[str, ...]
A = TypeVar("A", str, bool, tuple[str, ...])


class GoBack(Exception):
    """Raised in a flow to ask the question before again."""


def stepwise(asker: Asker, flow: Callable[["Steps"], T]) -> T | None:
    """What the flow returns; None when the person goes back before its first question."""
    given: list[Answer] = []
    remembered: dict[tuple[str, int], Answer] = {}
    while True:
        steps = Steps(asker, given, remembered)
        try:
            return flow(steps)
        except GoBack:
            if not steps.given:
                return None
            given = steps.given[:-1]


class Steps:
    """Asks the questions of one run of a flow. The first `given` are not asked again.

    `remembered` holds what was answered in former runs, by title and by how often that title was
    asked before: what a question offers as its default, where it still can be.
    """

    def __init__(
        self,
        asker: Asker,
        given: Sequence[Answer],
        remembered: dict[tuple[str, int], Answer],
    ) -> None:
        self._asker = asker
        self._left = list(reversed(given))
        self._remembered = remembered
        self._asked: Counter[str] = Counter()
        self.given: list[Answer] = []

    def key(self, title: str, keys: Sequence[Key]) -> str:
        return self._answer(title, "", lambda _: self._asker.key(title, keys))

    def pick(self, title: str, texts: Sequence[str], default: str | None = None) -> str:
        def ask(before: str) -> str | None:
            return self._asker.pick(title, texts, before if before in texts else default)

        return self._answer(title, "", ask)

    def pick_many(
        self,
        title: str,
        texts: Sequence[str],
        chosen: Collection[str] = (),
        check: CheckMany | None = None,
    ) -> tuple[str, ...]:
        def ask(before: tuple[str, ...]) -> tuple[str, ...] | None:
            known = set(texts)
            return self._asker.pick_many(
                title, texts, tuple(text for text in before if text in known), check
            )

        return self._answer(title, tuple(chosen), ask)

    def text(self, title: str, default: str = "", check: Check | None = None) -> str:
        return self._answer(title, default, lambda before: self._asker.text(title, before, check))

    def confirm(self, title: str, *, default: bool) -> bool:
        return self._answer(
            title, default, lambda before: self._asker.confirm(title, default=before)
        )

    def _answer(self, title: str, default: A, ask: Callable[[A], A | None]) -> A:
        """The answer given before, or the one given now, `default` or what was answered first."""
        place = (title, self._asked[title])
        self._asked[title] += 1
        kind = type(default)
        answer: Answer | None
        if self._left:
            answer = self._left.pop()
        else:
            before = self._remembered.get(place, default)
            answer = ask(before if isinstance(before, kind) else default)
        if answer is None:
            raise GoBack
        if not isinstance(answer, kind):
            raise TypeError(f"{title!r} is not what was asked after the same answers before")
        self._remembered[place] = answer
        self.given.append(answer)
        return answer
