"""The sources of a round's proposals: the data, and a language model.

A new source is a class like these, in a file beside this one or where its needs are met, and a line
in what the loop is given, see `proposers_of`.
"""

from dataclasses import dataclass
from typing import Protocol

from builder.edits.apply import apply
from builder.edits.locks import lock_words, touched
from builder.edits.model import Proposal
from builder.proposals.from_data import suggest, weak_groups
from builder.proposals.requests import Drafter
from builder.review.findings import Findings
from builder.review.request import revision_request
from builder.session.state import State


class Proposer(Protocol):
    """A source of proposals.

    `step`: what it does, in words. `asks`: it asks somebody outside, who may be paid and may fail;
    a person can have that repeated within a round, and goes on without it where it fails.
    """

    @property
    def step(self) -> str: ...

    @property
    def asks(self) -> bool: ...

    def has_cause(self, state: State, findings: Findings | None) -> bool:
        """Whether there is something to propose from; if not, its step does not begin."""
        ...

    def propose(self, state: State, findings: Findings | None) -> tuple[Proposal, ...]:
        """Proposals for the working system from its `findings` (None without images)."""
        ...


class FromData:
    """Proposes what the data suggest and nothing forbids."""

    step = "collecting what the data suggests"
    asks = False

    def has_cause(self, state: State, findings: Findings | None) -> bool:  # noqa: ARG002
        return findings is not None

    def propose(self, state: State, findings: Findings | None) -> tuple[Proposal, ...]:
        if findings is None:
            return ()
        system = findings.system

        def unwanted(proposal: Proposal) -> bool:
            if proposal.key in state.settled:
                return True
            # Nearly always there are none, and then no system needs to be made.
            return bool(state.locks and touched(state.locks, system, apply(system, proposal.edits)))

        weak = (each for each in weak_groups(findings.groups) if not unwanted(each))
        return (*suggest(findings.review, system, unwanted=unwanted), *weak)


@dataclass(frozen=True, slots=True)
class FromModel:
    """Proposes what a language model answers that is told what goes wrong."""

    drafter: Drafter
    step: str = "asking the language model for proposals"
    asks: bool = True

    def has_cause(self, state: State, findings: Findings | None) -> bool:
        # Without images the first round has nothing to tell the model that its draft didn't know.
        return bool(findings or state.notes or state.decisions)

    def propose(self, state: State, findings: Findings | None) -> tuple[Proposal, ...]:
        locks = tuple(map(lock_words, state.locks))
        request = revision_request(state, state.steps[-1].system, findings, locks)
        return self.drafter.revise(request)


def proposers_of(drafter: Drafter | None) -> tuple[Proposer, ...]:
    """The proposers: the data, which cost nothing; then the model, if there is one."""
    return (FromData(), *([FromModel(drafter)] if drafter is not None else []))
