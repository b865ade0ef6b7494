"""The last question of every edit: its measured effect is seen before it is applied."""

from rich.console import Console

from builder.applying import EditError
from builder.edits import Proposal
from builder.reviewing import Offer, View
from builder.terminal.render import error_panel
from builder.terminal.rounds import offer_block
from builder.terminal.steps import GoBack, Steps


def confirmed(steps: Steps, console: Console, view: View, proposal: Proposal) -> bool:
    """Shows the change and its measured effect, and asks.

    A change that does not fit is told, and the question before is asked again.
    """
    try:
        effect = view.attempt(proposal)
    except EditError as error:
        console.print(error_panel(error))
        raise GoBack from None
    console.print(offer_block("Your change:", Offer(proposal, effect), view.system))
    return steps.confirm("Apply it?", default=True)
