"""What happened, as JSON for programs: the same thing has the same shape in every command."""

from typing import Any

from builder.edits.describe import describe_proposal
from builder.edits.model import Proposal
from builder.scoring.statistics import Effect
from builder.session.export import estimate
from builder.session.records import Decided, Exported
from builder.session.state import State, Version
from builder.system.model import AttributeSystem

Data = dict[str, Any]


def figure(bits: str) -> Data | None:
    """Correct of n, with Wilson's 95 % interval in fractions; None without images."""
    found = estimate(bits.count("1"), len(bits))
    return found.model_dump(mode="json") if found else None


def version_data(version: Version, state: State) -> Data:
    return {
        "version": version.number,
        "best": version.number == state.best,
        "held_out": figure(version.held_out),
        "review": figure(version.review),
    }


def effect_data(effect: Effect | None) -> Data | None:
    """What a proposal did to n review images; points: the change in percentage points."""
    return {**effect.model_dump(), "points": effect.points} if effect else None


def proposal_data(proposal: Proposal, before: AttributeSystem | None = None) -> Data:
    """The proposal in the form that `--edits` reads, and in words."""
    words = describe_proposal(proposal, before)
    return {"proposal": proposal.model_dump(mode="json"), "words": words}


def decided_data(decided: Decided, before: AttributeSystem | None = None) -> Data:
    instead = decided.instead_of
    return {
        "decision": decided.decision,
        "by": decided.by,
        **proposal_data(decided.proposal, before),
        "instead_of": instead and instead.model_dump(mode="json"),
        "effect": effect_data(decided.effect),
        "reason": decided.reason,
    }


def exported_data(record: Exported) -> Data:
    """An export as JSON; `version` is null for a system that was never measured."""
    final = None if record.final is None else figure(record.final)
    return {"path": record.path, "version": record.version or None, "final": final}
