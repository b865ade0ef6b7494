"""Long steps, on stderr: a bar with rate and time left, a spinner for what can't be counted.

Where stderr is no terminal, or nothing may be redrawn, there is a line at the beginning and one at
the end.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import progress
from rich.console import Console
from rich.table import Column
from rich.text import Text

from builder.terminal.asker import accessible
from builder.terminal.text import shortened

OnProgress = Callable[[int, int], None]
OnTally = Callable[[int, int, str], None]
# Words, and what else is shown for as long as it is true, where lines may move.
OnWords = Callable[[str, str], None]
# Below this there is no room for a bar.
_NARROW = 60
# From here on there is room beside a bar for what was spent and how fast.
_WIDE = 80
# Columns that "10000/10000 123/s 00:00" takes.
_FIGURES = 28
# Seconds between lines where nothing may be redrawn.
_SILENT = 10


class _Rate(progress.ProgressColumn):
    def render(self, task: progress.Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(
            f"{speed:.0f}/s" if speed and speed >= 10 else f"{speed:.1f}/s" if speed else ""
        )


def _redraws(console: Console) -> bool:
    """Whether lines may move: a screen reader would read out every frame."""
    return console.is_terminal and not console.is_dumb_terminal and not accessible()


@contextmanager
def progress_bar(what: str, console: Console) -> Iterator[OnProgress]:
    """Draws a bar for the step `what`; call the yielded function with (done, total).

    Before the first call, and for a total of 0, a terminal shows a spinner that leaves no trace.
    """
    if not _redraws(console):
        with _two_lines(shortened(what), console) as on_progress:
            yield on_progress
        return
    room = max(8, min(30, console.width - _FIGURES))
    with _live_bar(shortened(what, room), _Rate(), console) as on_tally:
        yield lambda done, total: on_tally(done, total, "")


@contextmanager
def tally_bar(what: str, console: Console) -> Iterator[OnTally]:
    """A bar for a long step that is paid for; call the function with (done, total, words).

    `words` are what was spent so far. Without a terminal there is a line for each tenth.
    """
    if not _redraws(console):
        yield _tenths(shortened(what), console)
        return
    # In a narrower terminal these take two lines, or another figure would be cut off.
    column = Column(no_wrap=console.width >= _WIDE)
    spent = progress.TextColumn("{task.fields[words]}", markup=False, table_column=column)
    with _live_bar(shortened(what, 20), spent, console) as on_tally:
        yield on_tally


def _tenths(what: str, console: Console) -> OnTally:
    last = -1

    def on_tally(done: int, total: int, words: str) -> None:
        nonlocal last
        if total and 10 * done // total > last:
            last = 10 * done // total
            console.print(Text(f"{what}: {done:,} of {total:,}, {words}"))

    return on_tally


@contextmanager
def live_line(console: Console) -> Iterator[OnWords]:
    """A line that changes while a step without an end in sight goes on.

    Where nothing may be redrawn there is a new one every ten seconds.
    """
    if not _redraws(console):
        yield _now_and_then(console)
        return
    with _turning("", console) as on_words:
        yield lambda words, more: on_words(f"{words}, {more}" if more else words)


@contextmanager
def _turning(words: str, console: Console) -> Iterator[Callable[[str], None]]:
    with console.status(Text(words)) as status:
        # Up to three lines in a narrow terminal, less what turns in front of them.
        yield lambda words: status.update(Text(shortened(words, 3 * console.width - 4)))


def _now_and_then(console: Console) -> OnWords:
    last = time.monotonic()

    def on_words(words: str, _more: str) -> None:
        nonlocal last
        if time.monotonic() - last >= _SILENT:
            last = time.monotonic()
            console.print(Text(words))

    return on_words


@contextmanager
def spinner(what: str, console: Console) -> Iterator[Callable[[str], None]]:
    """Shows that the step `what` is under way, and how long it took when that was noticeable.

    The yielded function says how far it is, where lines may move.
    """
    started = time.monotonic()
    words = shortened(what)
    if _redraws(console):
        with _turning(f"{words}…", console) as on_words:
            yield lambda more: on_words(f"{words}: {more}" if more else f"{words}…")
    else:
        console.print(Text(f"{words} …"))
        yield lambda _more: None
    seconds = time.monotonic() - started
    if seconds >= 1:
        console.print(Text(f"{words}: {seconds:.0f} s"), style="dim")


@contextmanager
def _live_bar(what: str, figure: progress.ProgressColumn, console: Console) -> Iterator[OnTally]:
    """A bar, where there is room for one, and the figures, `figure` among them."""
    wide = console.width >= _NARROW
    drawn = progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        *([progress.BarColumn(bar_width=None)] if wide else []),
        progress.MofNCompleteColumn(),
        figure,
        progress.TimeRemainingColumn(compact=True),
        console=console,
        expand=wide,
    )
    # What is to be counted may itself take a while to be listed.
    waiting = console.status(Text(f"{what}…"))

    def on_tally(done: int, total: int, words: str) -> None:
        if total and not drawn.tasks:
            waiting.stop()
            drawn.start()
            drawn.add_task(what, total=total, words=words)
        for task in drawn.task_ids:
            drawn.update(task, completed=done, total=total, words=words)

    waiting.start()
    try:
        yield on_tally
    finally:
        waiting.stop()
        drawn.stop()


@contextmanager
def _two_lines(what: str, console: Console) -> Iterator[OnProgress]:
    started = time.monotonic()
    last = (0, 0)

    def on_progress(done: int, total: int) -> None:
        nonlocal last
        if total and not last[1]:
            console.print(Text(f"{what}: {total:,} …"))
        last = (done, total)

    yield on_progress
    if last[1]:
        seconds = time.monotonic() - started
        rate = f", {last[0] / seconds:.1f}/s" if seconds > 0 else ""
        console.print(Text(f"{what}: {last[0]:,} of {last[1]:,} in {seconds:.1f} s{rate}"))
