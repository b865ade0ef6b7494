"""What the loop asks a drafter for, and the interface of a drafter: values, no transport."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from builder.diagnosis.confusions import RuleEvidence
from builder.edits.model import Proposal
from builder.system.model import AttributeSystem

# The five groups of the source article, said without its domain.
DEFAULT_ATTRIBUTES = (
    "dominant color",
    "primary form: what type of creature or thing it appears to be",
    "key trait: its most distinctive visual feature",
    "overall body shape",
    "background: the kind of environment it is typically shown in",
)


@dataclass(frozen=True, slots=True)
class DraftRequest:
    """What a first system is drafted from. `classes`: (name, description or "") in order.

    `context`: background by the user, a field guide or a data sheet; "" for none.
    """

    domain: str
    classes: tuple[tuple[str, str], ...]
    attributes: tuple[str, ...] = DEFAULT_ATTRIBUTES
    context: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """A past decision on a proposal, in words.

    `effect`: e.g. "+4.2 pp on review", or "". `reason`: why it was decided so, or "".
    """

    description: str
    decision: Literal["accepted", "rejected"]
    effect: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RevisionRequest:
    """What proposals are made from; every text and figure is about the review split only.

    `descriptions`: class name -> the user's description. `limit`: most proposals wanted, >= 1.
    `context`: background by the user, "" for none. `classes`: those that this is about, whose
    rules the drafter needs to know; None for all. `seen`: what images of these classes see where
    it is not what their rule names. `locks`: what must stay as it is, in words. `notes` are new,
    `earlier_notes` still hold.
    """

    system: AttributeSystem
    confusions: tuple[str, ...] = ()
    weak_groups: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    earlier_notes: tuple[str, ...] = ()
    past: tuple[Past, ...] = ()
    descriptions: Mapping[str, str] = field(default_factory=dict)
    limit: int = 8
    context: str = ""
    classes: tuple[str, ...] | None = None
    seen: tuple[RuleEvidence, ...] = ()
    locks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RewritingRequest:
    """The request to rewrite one group of a system.

    `about`: the system, and how it fares. `group`: the group in JSON with its part of every rule,
    see `builder.search.gepa`; None to write one that there is not yet. `unusable`: why the latest
    answers could not be used.
    """

    about: RevisionRequest
    group: Mapping[str, Any] | None
    unusable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A rewritten text with its reason, or the `problem` for which there is none."""

    text: str
    reason: str = ""
    problem: str = ""


@runtime_checkable
class Rewriter(Protocol):
    """Rewrites groups. Raises CotbuildError when no answer comes."""

    def rewrite_group(self, request: RewritingRequest) -> Rewriting: ...


class Drafter(Protocol):
    """Writes the words of a system. Both methods raise CotbuildError when no answer comes."""

    def draft(self, request: DraftRequest) -> AttributeSystem:
        """A system with one option per class and group, its classes in the request's order.

        A group that was added to tell a few classes apart has options for these alone.
        """

    def revise(self, request: RevisionRequest) -> tuple[Proposal, ...]:
        """At most `limit` proposals, each of which applies to the request's system by itself."""
