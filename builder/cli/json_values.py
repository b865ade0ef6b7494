"""What happened, as JSON for programs: the same thing has the same shape in every command."""

from collections.abc import Sequence
from typing import Any

from builder.edits.describe import describe_proposal
from builder.edits.model import Edit, Proposal
from builder.scoring.statistics import Effect
from builder.session.export import estimate, note_on
from builder.session.records import Decided, Exported
from builder.session.state import State, Version
from builder.session.versions import Point
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


def export_data(record: Exported, state: State) -> Data:
    """An export with what its file says of the figures; `state`: with that version as the best."""
    version = state.best_version
    data = exported_data(record)
    return {
        **data,
        "held_out": figure(version.held_out) if version else None,
        "final_looks": state.final_looks,
        "note": note_on(state, version, looked=data["final"] is not None),
    }


def edits_data(before: Point, after: Point, edits: Sequence[Edit]) -> list[Data]:
    """What leads from the one to the other, as `--edits` reads it."""
    if not edits:
        return []
    reason = f"from {before.title} to {after.title}"
    proposal = Proposal(edits=tuple(edits), source="person", reason=reason)
    return [proposal.model_dump(mode="json")]
