"""A session's first system without a language model and without a file."""

from builder.cli.save import Running
from builder.errors import InputError
from builder.resources import resource_folder
from builder.search.greedy import system_from_groups
from builder.search.task import Review
from builder.session.records import GENERAL_ATTRIBUTES, Drafted, Started
from builder.system.file import GENERAL, load_groups
from builder.system.model import AttributeSystem
from builder.terminal.asker import Asker
from builder.terminal.editing import first_system

_OFFER = (
    "Begin from the bundled general attributes, their rules fitted on the review images? "
    "(no: make groups by hand)"
)


def first_draft(running: Running, asker: Asker | None) -> Drafted:
    """The first system: from the general attributes, or as the person writes it.

    Raises InputError where there is neither, KeyboardInterrupt where the person gives up.
    """
    started, evaluator = running.state.started, running.evaluator
    if evaluator and (asker is None or asker.confirm(_OFFER, default=True)):
        with running.screen.step("Fitting rules of the general attributes on review images"):
            system = general_system(started, Review(evaluator))
        return Drafted(system=system, source=GENERAL_ATTRIBUTES)
    if asker is None:
        raise InputError(
            "nothing was drafted yet, and there is no language model to draft",
            hint="name a model with --llm",
        )
    written = first_system(asker, started.domain, [entry.name for entry in started.classes])
    if written is None:
        raise KeyboardInterrupt
    return Drafted(system=written, source="person")


def general_system(started: Started, review: Review) -> AttributeSystem:
    """The bundled general attributes, with rules fitted on these images."""
    names = [entry.name for entry in started.classes]
    groups = load_groups(resource_folder("systems") / GENERAL)
    return system_from_groups(started.domain, groups, names, review)
