"""The last question of every edit: its measured effect is seen before it is applied."""

from rich.console import Console
from rich.text import Text

from builder.edits.apply import EditError, apply
from builder.edits.locks import touched
from builder.edits.model import DropClass, Proposal
from builder.review.view import Offer, View
from builder.terminal.going_back import GoBack, Steps
from builder.terminal.render import error_panel
from builder.terminal.rounds import offer_block
from builder.terminal.sentences import lock_told
from builder.terminal.text import listed, shortened

_MOST_LOCKS = 6


def confirmed(steps: Steps, console: Console, view: View, proposal: Proposal) -> bool:
    """Shows the change and its measured effect, and asks. Enter alone applies no loss.

    A change that does not fit is told, and the question before is asked again.
    """
    try:
        effect = view.attempt(proposal)
    except EditError as error:
        console.print(error_panel(error), crop=False)
        raise GoBack from None
    console.print(offer_block("Your change:", Offer(proposal, effect), view.system))
    if effect and any(isinstance(edit, DropClass) for edit in proposal.edits):
        console.print(Text("Its images count as broken here; once it is gone, none is scored."))
    if locked := _locked(view, proposal):
        console.print(Text(f"This changes what you locked: {locked}.", style="bold"))
    return steps.confirm("Apply it?", default=effect is None or effect.net >= 0)


def _locked(view: View, proposal: Proposal) -> str:
    """What the person locked and now changes, in words. They may; nobody else may."""
    after = apply(view.system, proposal.edits)
    broken = touched(view.state.locks, view.system, after)
    return listed([shortened(lock_told(lock)) for lock in broken], _MOST_LOCKS)
