"""A drafting prompt that evolves: it is worth what the system is that a model drafts with it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from builder.errors import InputError
from builder.search.gepa import Judged, unusable
from builder.search.task import Task
from builder.system.model import AttributeSystem

PROMPT = "prompt"


@dataclass(frozen=True, slots=True)
class NoDraft:
    """Why a prompt led to no system."""

    why: str


@dataclass(slots=True, eq=False)
class EvolvedPrompt:
    """`draft` asks for the system of a prompt, `keep` is told each prompt that is the best so far.

    `keep` gets the prompt and how many review images its draft has right; `begun` gets as many of
    the first prompt's draft. `least`: how many the next one must have more than; None before that.
    """

    task: Task
    template: str
    draft: Callable[[str], AttributeSystem | NoDraft]
    keep: Callable[[str, int], None]
    begun: Callable[[int], None]
    least: int | None = None

    @property
    def start(self) -> Mapping[str, str]:
        return {PROMPT: self.template}

    @property
    def turns(self) -> Sequence[str]:
        return [PROMPT]

    def judged(self, texts: Mapping[str, str]) -> Judged:
        """Raises InputError if the first prompt leads to no system, and what `draft` raises."""
        drafted = self.draft(texts[PROMPT])
        if isinstance(drafted, NoDraft):
            if self.least is None:
                raise InputError(
                    f"the prompt to begin with leads to no system: {drafted.why}",
                    hint="mend it, or name another folder with --prompts",
                )
            return unusable(self.task, drafted.why)
        judged = Judged(self.task.review.score(drafted).correct, drafted)
        if self.least is None:
            self.least = judged.correct
            self.begun(judged.correct)
        elif judged.correct > self.least:
            self.least = judged.correct
            self.keep(texts[PROMPT], judged.correct)
        return judged
