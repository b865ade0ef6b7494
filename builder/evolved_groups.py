"""A system that evolves group by group; what is locked in it stays as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builder.components import ComponentError, components_of, system_of
from builder.gepa_search import Judged, unusable
from builder.locking import lock_words, touched
from builder.optimising import Task


@dataclass(frozen=True, slots=True, eq=False)
class EvolvedGroups:
    """Its texts are the system's components, see `builder.components`."""

    task: Task

    @property
    def start(self) -> Mapping[str, str]:
        return components_of(self.task.start)

    @property
    def turns(self) -> Sequence[str]:
        """The components that no lock closes, the one for a new group included."""
        locked = {lock.group for lock in self.task.locked if lock.class_name is None}
        names = [*(group.name for group in self.task.start.groups), None]
        return [key for key, name in zip(self.start, names, strict=True) if name not in locked]

    def judged(self, texts: Mapping[str, str]) -> Judged:
        start = self.task.start
        try:
            system = system_of(start.domain, start.classes, texts)
        except ComponentError as error:
            return unusable(self.task, error.message)
        if broken := touched(self.task.locked, start, system):
            return unusable(self.task, f"locked: {', '.join(map(lock_words, broken))}")
        return Judged(self.task.review.score(system).correct, system)
