import pytest

from builder.errors import InputError
from builder.proposals.requests import Rewriting
from builder.search.evolved_prompt import PROMPT, EvolvedPrompt, NoDraft
from builder.search.gepa import Found, Parent, evolve
from builder.search.task import Candidate, Review, Task
from builder.system.model import AttributeSystem
from tests.worlds import DRAFT, GOOD, evaluator

TASK = Task(DRAFT, (), Review(evaluator()))
RIGHT = TASK.review.right(GOOD)
NONE = NoDraft("no group came")


def prompt(
    drafts: dict[str, AttributeSystem | NoDraft],
    kept: list[tuple[str, int]],
    begun: list[int] | None = None,
) -> EvolvedPrompt:
    first = next(iter(drafts))
    told = [] if begun is None else begun
    return EvolvedPrompt(
        TASK, first, drafts.__getitem__, lambda *found: kept.append(found), told.append
    )


def test_a_prompt_is_worth_what_its_draft_is_and_the_best_is_kept() -> None:
    kept: list[tuple[str, int]] = []
    begun: list[int] = []
    evolved = prompt({"first": DRAFT, "better": GOOD, "same": GOOD, "none": NONE}, kept, begun)
    assert evolved.judged({PROMPT: "first"}).correct == TASK.review.right(DRAFT)
    assert kept == []
    assert evolved.judged({PROMPT: "none"}).problem == "no group came"
    assert evolved.judged({PROMPT: "better"}).system == GOOD
    assert evolved.judged({PROMPT: "same"}).correct == RIGHT
    assert begun == [TASK.review.right(DRAFT)]
    assert kept == [("better", RIGHT)]


def test_a_first_prompt_without_a_draft_is_an_error_of_its_own() -> None:
    with pytest.raises(InputError, match="no group came"):
        prompt({"first": NONE}, []).judged({PROMPT: "first"})


def test_what_the_first_prompt_leads_to_counts_where_it_is_better_than_the_working_system() -> None:
    found: list[Found] = []
    evolve(
        TASK, prompt({"first": GOOD}, []), _nobody, found.append, stop=lambda: False, seed=0
    )  # fmt: skip
    assert [type(event) for event in found] == [Candidate]
    assert (found[0].tried.measured, found[0].tried.correct) == (0, RIGHT)


def test_prompts_evolve_until_all_is_right() -> None:
    kept: list[tuple[str, int]] = []
    found: list[Found] = []
    texts = iter(["none", "better", "never"])
    evolve(
        TASK, prompt({"first": DRAFT, "none": NONE, "better": GOOD}, kept),
        lambda _: Rewriting(next(texts), "because"), found.append, stop=lambda: False, seed=0,
    )  # fmt: skip
    assert [event.tried.correct for event in found] == [TASK.review.right(DRAFT), RIGHT]
    assert kept == [("better", RIGHT)]


def _nobody(parent: Parent) -> Rewriting:
    raise AssertionError(parent)
