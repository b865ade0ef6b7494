"""Leaving takes two Ctrl-C in a row, where the first would lose what nobody has saved yet."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from builder.terminal.asker import Asker, Check, CheckMany, Key

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TwiceToLeave:
    """Asks by `asker`. The first Ctrl-C in a question says `warning` and asks it again."""

    asker: Asker
    say: Callable[[str], None]
    warning: str

    def key(self, title: str, keys: Sequence[Key]) -> str | None:
        return self._ask(lambda: self.asker.key(title, keys))

    def pick(self, title: str, texts: Sequence[str], default: str | None = None) -> str | None:
        return self._ask(lambda: self.asker.pick(title, texts, default))

    def pick_many(
        self,
        title: str,
        texts: Sequence[str],
        chosen: Collection[str] = (),
        check: CheckMany | None = None,
    ) -> tuple[str, ...] | None:
        return self._ask(lambda: self.asker.pick_many(title, texts, chosen, check))

    def text(self, title: str, default: str = "", check: Check | None = None) -> str | None:
        return self._ask(lambda: self.asker.text(title, default, check))

    def confirm(self, title: str, *, default: bool) -> bool | None:
        return self._ask(lambda: self.asker.confirm(title, default=default))

    def discard_typed(self) -> None:
        self.asker.discard_typed()

    def _ask(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except KeyboardInterrupt:
            self.say(self.warning)
        return ask()
