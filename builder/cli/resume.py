"""`cotbuild resume`: go on with a session, by itself or with edits from a file."""

from pathlib import Path
from typing import Annotated

from builder.cli import app, flags
from builder.cli.flags import flag


@app.command()
def resume(
    session: flags.SessionFolder = None,
    llm: flags.Llm = None,
    llm_url: flags.LlmUrl = None,
    llm_parallel: flags.LlmParallel = None,
    llm_timeout: flags.LlmTimeout = None,
    price: flags.Price = None,
    max_cost: flags.MaxCost = None,
    max_tokens: flags.MaxTokens = None,
    prompts: flags.PromptFolder = None,
    edits: Annotated[
        Path | None,
        flag("--edits", "FILE", "Accept the proposals in this JSON file, measure them, and stop."),
    ] = None,
    rounds: flags.Rounds = None,
    auto: flags.Auto = False,
    yes: flags.Yes = False,
    min_accuracy: flags.MinAccuracy = None,
    as_json: flags.JsonEvents = False,
) -> None:
    """Go on with a session, where it was left."""
    from builder.cli.begin import resume_session
    from builder.cli.json_events import session_screen
    from builder.cli.model import ModelOptions
    from builder.cli.settings import RunMode
    from builder.session.journal import latest_session

    mode = RunMode(auto, yes, rounds, min_accuracy, edits, llm_parallel, llm_timeout)
    options = ModelOptions(llm, llm_url, price, max_cost, max_tokens, prompts)
    with session_screen(mode, as_json=as_json) as screen:
        resume_session(session or latest_session(Path.cwd()), options, mode, screen)
