"""A drafter that asks a language model, by whichever transport."""

from builder.edits.model import Proposal
from builder.llm.asking import Asking
from builder.llm.drafting import draft_system
from builder.llm.revising import revise_system
from builder.llm.rewriting import rewrite_group
from builder.proposals.requests import DraftRequest, RevisionRequest, Rewriting, RewritingRequest
from builder.system.model import AttributeSystem


class ModelDrafter:
    """A drafter that asks a language model."""

    # Whether a draft of many classes asks once more about those that are left alike.
    split_alike = True

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def draft(self, request: DraftRequest) -> AttributeSystem:
        return draft_system(request, self._asking, split_alike=self.split_alike)

    def revise(self, request: RevisionRequest) -> tuple[Proposal, ...]:
        return revise_system(request, self._asking)

    def rewrite_group(self, request: RewritingRequest) -> Rewriting:
        return rewrite_group(request, self._asking)
