"""`cotbuild resume`: go on with a session, by itself or with edits from a file."""

from pathlib import Path
from typing import Annotated

from builder.cli import app, reports_errors
from builder.cli.flags import (
    Auto,
    JsonEvents,
    Llm,
    LlmParallel,
    LlmUrl,
    MaxCost,
    MaxTokens,
    MinAccuracy,
    Price,
    PromptFolder,
    Rounds,
    SessionFolder,
    Yes,
    flag,
)


@app.command()
@reports_errors
def resume(
    session: SessionFolder = None,
    llm: Llm = None,
    llm_url: LlmUrl = None,
    llm_parallel: LlmParallel = None,
    price: Price = None,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    prompts: PromptFolder = None,
    edits: Annotated[
        Path | None,
        flag("--edits", "FILE", "Accept the proposals in this JSON file, measure them, and stop."),
    ] = None,
    rounds: Rounds = None,
    auto: Auto = False,
    yes: Yes = False,
    min_accuracy: MinAccuracy = None,
    as_json: JsonEvents = False,
) -> None:
    """Go on with a session, where it was left."""
    from builder.cli.begin import resume_session
    from builder.cli.json_events import session_screen
    from builder.cli.model import ModelOptions
    from builder.cli.settings import RunMode
    from builder.session.journal import latest_session

    mode = RunMode(auto, yes, rounds, min_accuracy, edits, llm_parallel)
    options = ModelOptions(llm, llm_url, price, max_cost, max_tokens, prompts)
    with session_screen(mode, as_json=as_json) as screen:
        resume_session(session or latest_session(Path.cwd()), options, mode, screen)
