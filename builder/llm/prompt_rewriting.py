"""The drafting prompt written anew: the answer, and what is wrong with it as a prompt."""

from builder.errors import InputError
from builder.llm.prompts import DRAFT, ENGLISH, Prompts, as_data, fill, slots_of, with_context
from builder.llm.revising import told
from builder.llm.schemas import Reply, Words
from builder.llm.transport import Transport, UnusableAnswer, ask
from builder.proposals.requests import PromptRequest, Rewriting

EVOLVE_PROMPT = "evolve prompt"
# Of how the system fares; what was done to another one since, and locks on it, don't matter here.
_TOLD = (
    "domain",
    "total",
    "shown",
    "groups",
    "rules",
    "confusions",
    "weak_groups",
    "notes",
)


class PromptReply(Reply):
    """A whole prompt, with its line breaks."""

    reason: Words
    prompt: str


def rewrite_prompt(
    request: PromptRequest, transport: Transport, prompts: Prompts = ENGLISH
) -> Rewriting:
    """The prompt that the model gives for the request's. Raises LLMError where none came."""
    question = prompt_question(request, prompts)
    try:
        reply = transport.complete(EVOLVE_PROMPT, ask(question), PromptReply)
    except UnusableAnswer as error:
        return Rewriting("", problem=error.message)
    prompt = reply.prompt.strip()
    return Rewriting(prompt, reply.reason, _problem(prompt))


def prompt_question(request: PromptRequest, prompts: Prompts) -> str:
    """What is asked to get the prompt's new text."""
    about = told(request.about)
    question = prompts.render(
        "evolve_prompt",
        **{slot: about[slot] for slot in _TOLD},
        slots=", ".join(f"{{{{{slot}}}}}" for slot in sorted(slots_of(DRAFT))),
        prompt=as_data([request.template]),
        earlier=as_data(request.earlier),
        unusable=as_data(request.unusable),
    )
    return with_context(question, request.about.context, prompts)


def _problem(prompt: str) -> str:
    """ "" for a prompt that has all slots and no others."""
    try:
        fill(prompt, dict.fromkeys(slots_of(DRAFT), ""), where="the prompt")
    except InputError as error:
        return f"{error.message} {error.hint}"
    return ""
