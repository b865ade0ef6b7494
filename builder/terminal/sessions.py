"""The sessions below a folder: what each is about, and how far it has come."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from builder.scoring.wording import percent
from builder.session.state import State
from builder.terminal.tables import table_of
from builder.terminal.text import LONG, indented, visible


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session; without a state it is `damaged`, which says why. `changed` is of local time."""

    folder: str
    changed: datetime
    state: State | None
    in_use: str = ""
    damaged: str = ""

    @property
    def now(self) -> str:
        return "damaged" if self.damaged else f"in use by {self.in_use}" if self.in_use else ""


def sessions_screen(rows: Sequence[SessionRow], today: datetime) -> RenderableType:
    """The sessions in their order, then why some can't be read."""

    def of_state(tell: Callable[[State], object]) -> Callable[[SessionRow], str]:
        return lambda row: str(tell(row.state)) if row.state else ""

    def time(row: SessionRow) -> str:
        this_year = row.changed.year == today.year
        return row.changed.strftime("%b %d %H:%M" if this_year else "%Y-%m-%d")

    columns: dict[str, Callable[[SessionRow], str]] = {
        "session": lambda row: row.folder,
        "domain": of_state(lambda state: state.started.domain),
        "classes": of_state(lambda state: len(state.started.classes)),
        "versions": of_state(lambda state: len(state.versions)),
        "best": of_state(_best),
        "changed": time,
    }
    if any(row.now for row in rows):
        columns["now"] = lambda row: row.now
    table = table_of(rows, columns, right=range(2, 6), longest=LONG)
    reasons: list[RenderableType] = []
    for row in rows:
        if row.damaged:
            reasons += [Text(f"\n{visible(row.folder)} can't be read:"), indented(row.damaged)]
    return Group(table, *reasons)


def _best(state: State) -> str:
    best = state.best_version
    return percent(best.correct, len(best.held_out)) if best and best.held_out else ""
