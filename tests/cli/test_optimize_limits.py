import shlex
from pathlib import Path

from builder.cli.model import ModelOptions
from builder.cli.optimize_limits import Budget, going_on
from builder.files import command


def test_the_command_that_goes_on_has_what_a_session_does_not_keep() -> None:
    light = Budget(None, None, None)
    assert going_on("greedy", light, ModelOptions(), null=False) == ("optimize",)
    options = ModelOptions(spec="a model", url="http://x", price="1/2", prompts=Path("my prompts"))
    words = going_on("gepa", Budget("heavy", None, 1.5, seed=3), options, null=True)
    assert shlex.split(command(*words)) == [
        "cotbuild", "optimize", "--optimizer", "gepa", "--budget", "heavy",
        "--max-minutes", "1.5", "--seed", "3", "--llm", "a model", "--llm-url", "http://x",
        "--price", "1/2", "--prompts", "my prompts", "--null",
    ]  # fmt: skip


def test_a_budget_in_words_numbers_or_money() -> None:
    light, heavy = Budget(None, None, None), Budget("heavy", None, None)
    assert (light.restarts, light.asks) == (0, 10)
    assert (heavy.restarts, heavy.asks) == (16, 160)
    assert Budget("heavy", 3, None).asks == 3
    assert Budget(None, None, 1.0).asks is None
    assert Budget(None, None, None, cost=2.0).asks is None
    assert Budget("medium", None, None, cost=2.0).asks == 40
    assert Budget(None, 3, None).restarts is None
