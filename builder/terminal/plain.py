"""Questions as numbered lines: for screen readers, dumb terminals and scripts."""

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from builder.terminal.asker import Check, CheckMany, InputEnded, Key, flush_terminal
from builder.terminal.text import entered, holding, labels, matching, shortened

BACK = "."
NOTHING = "-"
_WIDTH = 70
_TITLE = 300
# A longer list is too much to listen to; a part of the name finds the entry.
_LONGEST_LIST = 30
# A terminal that edits lines itself drops what goes beyond 4,095 bytes.
_LONGEST_LINE = 4_000


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class PlainAsker:
    """Numbered questions. A full stop goes back, Enter alone takes the default."""

    read: Callable[[], str] = input
    say: Callable[[str], None] = _say

    def key(self, title: str, keys: Sequence[Key]) -> str | None:
        shown = [f"{entry.key}, {entry.label}" for entry in keys]
        by_key = {entry.key: index for index, entry in enumerate(keys)}
        self._list(title, shown)
        while (answer := self._line(f"Number or letter ({BACK} goes back):")) != BACK:
            index = by_key.get(answer.lower(), _number(answer, len(keys)))
            if index is not None:
                return keys[index].key
            self.say("That is not in the list.")
        return None

    def confirm(self, title: str, *, default: bool) -> bool | None:
        usual = "yes" if default else "no"
        answers = {"": default, "y": True, "yes": True, "n": False, "no": False}
        question = f"{shortened(title, _TITLE)} yes or no (Enter: {usual}, {BACK} goes back):"
        while (answer := self._line(question).lower()) != BACK:
            if answer in answers:
                return answers[answer]
        return None

    def pick(self, title: str, texts: Sequence[str], default: str | None = None) -> str | None:
        shown = labels(texts, _WIDTH)
        self._list(title, shown)
        usual = f"Enter: {shown[texts.index(default)]}, " if default in texts else ""
        while (answer := self._line(f"Number or name ({usual}{BACK} goes back):")) != BACK:
            if not answer and default in texts:
                return default
            index = self._meant(answer, shown)
            if index is not None:
                return texts[index]
        return None

    def pick_many(
        self,
        title: str,
        texts: Sequence[str],
        chosen: Collection[str] = (),
        check: CheckMany | None = None,
    ) -> tuple[str, ...] | None:
        now = [index for index, text in enumerate(texts) if text in chosen]
        shown = labels(texts, _WIDTH)
        self._list(title, shown)
        kept = shortened(", ".join(str(index + 1) for index in now), _WIDTH) or "none"
        question = f"Numbers or names with commas, 0 for none (Enter: {kept}, {BACK} goes back):"
        while (answer := self._line(question)) != BACK:
            indices = now if not answer else self._several(answer, shown)
            if indices is None:
                continue
            picked = tuple(text for index, text in enumerate(texts) if index in indices)
            complaint = check(picked) if check else None
            if complaint is None:
                return picked
            self.say(shortened(complaint, _TITLE))
        return None

    def text(self, title: str, default: str = "", check: Check | None = None) -> str | None:
        usual = f"Enter: {shortened(default, _TITLE)}, " if default else ""
        # Enter alone takes the default: an empty answer, where it will do, needs a sign.
        can_be_empty = bool(default) and (check is None or check("") is None)
        usual += f"{NOTHING} for an empty line, " if can_be_empty else ""
        question = f"{shortened(title, _TITLE)} ({usual}{BACK} goes back):"
        while (typed := self._line(question)) != BACK:
            answer = "" if can_be_empty and typed == NOTHING else typed or default
            complaint = check(answer) if check else None
            if complaint is None:
                return answer
            self.say(shortened(complaint, _TITLE))
        return None

    def paste(self, title: str) -> str | None:
        self.say(f"{shortened(title, _TITLE)} (paste it, then a line with only {BACK};")
        self.say(f"{BACK} alone goes back; lines of over {_LONGEST_LINE:,} letters need a file):")
        lines: list[str] = []
        try:
            while (line := self.read()).strip() != BACK:
                lines.append(line)
        except EOFError:
            if not lines:
                raise InputEnded from None
        pasted = "\n".join(lines)
        return pasted if pasted.strip() else None

    def discard_typed(self) -> None:
        flush_terminal()

    def _list(self, title: str, shown: Sequence[str]) -> None:
        self.say(shortened(title, _TITLE))
        for number, label in enumerate(shown[:_LONGEST_LIST], start=1):
            self.say(f"{number}. {label}")
        if len(shown) > _LONGEST_LIST:
            self.say(f"and {len(shown) - _LONGEST_LIST} more; type a part of the name")

    def _several(self, answer: str, shown: Sequence[str]) -> set[int] | None:
        """The entries that are named one after the other; None, with a word, if one is not one."""
        if answer == "0":
            return set()
        names = [entered(label) for label in shown]
        if "," in answer and answer in names:
            # A name that holds commas itself.
            return {names.index(answer)}
        meant = [self._meant(part, shown) for part in answer.split(",")]
        return None if None in meant else {index for index in meant if index is not None}

    def _meant(self, answer: str, shown: Sequence[str]) -> int | None:
        """The entry of a number or of a part of its name; None, with those it may be."""
        index = _number(answer, len(shown))
        if index is None:
            index = matching(answer, shown)
        if index is None:
            found = holding(answer, shown)
            named = shortened(answer) or "Nothing"
            if not found:
                self.say(f"{named}: no such entry.")
                return None
            self.say(f"{named}: {len(found)} entries hold that.")
            for at in found[:_LONGEST_LIST]:
                self.say(f"{at + 1}. {shown[at]}")
        return index

    def _line(self, question: str) -> str:
        self.say(question)
        try:
            return entered(self.read())
        except EOFError:
            raise InputEnded from None


def _number(answer: str, count: int) -> int | None:
    """The index that a number from 1 to `count` stands for."""
    answer = answer.strip()
    if answer.isascii() and answer.isdigit() and 1 <= int(answer[:9]) <= count:
        return int(answer) - 1
    return None
