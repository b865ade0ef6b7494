"""Questions that several kinds of edit share, and checks of what is typed: None if it will do."""

from collections.abc import Callable, Sequence

from builder.system.model import AttributeGroup, AttributeSystem, prompt_problems
from builder.system.names import folded
from builder.terminal.asker import Check
from builder.terminal.going_back import Steps
from builder.terminal.text import quoted


def pick_group(steps: Steps, system: AttributeSystem) -> AttributeGroup:
    return system.group(steps.pick("Which group?", [group.name for group in system.groups]))


def pick_place(steps: Steps, name: str, others: Sequence[str], now: int) -> int:
    """The place among `others`, from 0, where `name` is to stand; `now` is where it stands."""
    end = entry_beside("at the end", others)
    picked = steps.pick(
        f"Before which one shall {quoted(name, 30)} stand?",
        (end, *others),
        others[now] if now < len(others) else end,
    )
    return len(others) if picked == end else others.index(picked)


def type_options(steps: Steps, taken: Sequence[str] = ()) -> tuple[str, ...]:
    """Two options or more, typed one after the other; none of them in `taken`."""
    options: list[str] = []
    while True:
        enough = len(options) >= 2
        how = "an empty line ends" if enough else "one at a time; after two, an empty line ends"
        check = unlike([*taken, *options], empty=enough)
        option = steps.text(f"Option {len(options) + 1} ({how}):", check=check)
        if not option:
            return tuple(options)
        options.append(option)


def new_words(steps: Steps, words: str, others: Sequence[str]) -> str:
    return steps.text(f"New words for {quoted(words, 30)}:", words, unlike(others))


def entry_beside(words: str, texts: Sequence[str]) -> str:
    """An entry that stands for something else than any of the texts, in a list with them."""
    while words in texts:
        words = f"({words})"
    return words


def prompt_complaint(prompt: str) -> str | None:
    """What is wrong with a prompt: it has to hold one place for the option."""
    return next((problem.message for problem in prompt_problems(prompt, "prompt")), None)


def unlike(
    texts: Sequence[str], *, empty: bool = False, same: Callable[[str], str] = folded
) -> Check:
    """A check against repeating one of `texts`, and unless `empty`, against nothing at all.

    Two texts repeat each other when `same` makes the same of them.
    """
    known = {same(text): text for text in texts}

    def check(typed: str) -> str | None:
        if not typed.strip():
            return None if empty else "it needs some words"
        repeated = known.get(same(typed))
        return None if repeated is None else f"{quoted(repeated)} is there already"

    return check
