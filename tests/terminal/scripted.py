"""An asker that answers from a list, and insists on being asked just that."""

from collections.abc import Collection, Sequence

from builder.terminal.asker import Check, CheckMany, Key

Answer = object
BACK = None


class _Enter:
    def __repr__(self) -> str:
        return "ENTER"  # the same in every process: names of tests are made of it


# Takes the answer that Enter alone would give.
ENTER = _Enter()


class Scripted:
    """Answers in order. An exception class among them is raised; a text is checked as typed."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        # Of all menus so far.
        self.keys: list[Key] = []
        # After how many questions what was typed ahead was dropped.
        self.discarded: list[int] = []

    @property
    def labels(self) -> list[str]:
        return [entry.label for entry in self.keys]

    def key(self, title: str, keys: Sequence[Key]) -> str | None:
        answer = self._next(title)
        self.keys += keys
        names = [entry.key for entry in keys]
        assert len(set(names)) == len(names), f"two entries on one key: {names}"
        assert answer is None or answer in names, f"{answer!r} is not on the menu {names}"
        return answer

    def pick(self, title: str, texts: Sequence[str], default: str | None = None) -> str | None:
        answer = self._next(title)
        assert default is None or default in texts
        assert len(set(texts)) == len(texts)
        answer = default if answer is ENTER else answer
        assert answer is None or answer in texts, f"{answer!r} is not among {texts}"
        return answer  # type: ignore[return-value]

    def pick_many(
        self,
        title: str,
        texts: Sequence[str],
        chosen: Collection[str] = (),
        check: CheckMany | None = None,
    ) -> tuple[str, ...] | None:
        while True:
            answer = self._next(title)
            assert set(chosen) <= set(texts)
            if answer is None:
                return None
            answer = tuple(chosen) if answer is ENTER else answer
            assert isinstance(answer, tuple)
            assert set(answer) <= set(texts), f"{answer!r} is not among {texts}"
            picked = tuple(text for text in texts if text in answer)
            complaint = check(picked) if check else None
            if complaint is None:
                return picked
            self.asked.append(f"complaint: {complaint}")

    def text(self, title: str, default: str = "", check: Check | None = None) -> str | None:
        while True:
            answer = self._next(title)
            if answer is None:
                return None
            answer = default if answer is ENTER else answer
            assert isinstance(answer, str)
            complaint = check(answer) if check else None
            if complaint is None:
                return answer
            self.asked.append(f"complaint: {complaint}")

    def confirm(self, title: str, *, default: bool) -> bool | None:
        answer = self._next(title)
        if answer is ENTER:
            return default
        assert answer is None or isinstance(answer, bool)
        return answer

    def discard_typed(self) -> None:
        self.discarded.append(len(self.asked))

    def _next(self, title: str) -> Answer:
        self.asked.append(title)
        assert self.answers, f"no answer is left for {title!r}"
        answer = self.answers.pop(0)
        if isinstance(answer, type) and issubclass(answer, BaseException):
            raise answer
        return answer
