"""The drafting prompt of a session: where an evolution begins, and where what it finds is kept."""

from pathlib import Path

from builder.cli.evolving_model import Model
from builder.cli.model import prompts_of
from builder.cli.screen import Screen
from builder.files import replace_file
from builder.llm import DraftRequest, UnusableAnswer
from builder.llm.prompts import DRAFT, Prompts
from builder.review.request import class_descriptions
from builder.search.evolved_prompt import EvolvedPrompt, NoDraft
from builder.search.task import Task
from builder.session.journal import Session
from builder.session.state import State
from builder.system.model import AttributeSystem

FOLDER = "prompts"


def evolved_prompt(session: Session, task: Task, model: Model, screen: Screen) -> EvolvedPrompt:
    """Begins with what an earlier run found in this session, else with the prompt that is in use.

    So that the command that goes on may name a folder of prompts, as the first one did.
    """
    found = session.folder / FOLDER / f"{DRAFT}.{model.settings.language}.md"
    request = _request(session.state, task)

    def draft(template: str) -> AttributeSystem | NoDraft:
        try:
            return model.rewriter.draft_with(template, request)
        except UnusableAnswer as error:
            return NoDraft(error.message)

    earlier = found if found.is_file() else None

    def begun(correct: int) -> None:
        screen.prompt_begun(correct, len(task.review.labels), earlier)

    def keep(template: str, correct: int) -> None:
        replace_file(found, f"{template}\n")
        screen.prompt_found(found, correct, len(task.review.labels))

    template = _template(earlier, prompts_of(model.settings))
    return EvolvedPrompt(task, template, draft, keep, begun)


def _template(earlier: Path | None, prompts: Prompts) -> str:
    if earlier is not None:
        prompts = Prompts.open(prompts.language, earlier.parent)
    return prompts.template(DRAFT).strip()


def _request(state: State, task: Task) -> DraftRequest:
    """The same as the session's own, by the names that the classes bear by now."""
    descriptions = class_descriptions(state)
    classes = tuple((name, descriptions.get(name, "")) for name in task.start.classes)
    started = state.started
    return DraftRequest(started.domain, classes, started.attributes, started.context)
