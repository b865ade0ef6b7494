"""`cotbuild optimize`: an automatic search, in a session or from a system file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from builder.cli import INTERRUPTED, app, reports_errors
from builder.cli.flags import (
    Crop,
    DataSplit,
    Device,
    Dtype,
    ImageColumn,
    ImagesIfAny,
    LabelColumn,
    Llm,
    LlmUrl,
    MaxCost,
    Price,
    PromptFolder,
    Yes,
)

if TYPE_CHECKING:
    from builder.cli.evolving_model import Model
    from builder.cli.file_session import FileWishes
    from builder.cli.screen import Screen
    from builder.cli.settings import RunMode
    from builder.cli.workspace import Workspace
    from builder.session.journal import Session
    from builder.session.state import State


@app.command()
@reports_errors
def optimize(
    target: Annotated[
        Path, typer.Argument(metavar="SESSION|SYSTEM", help="A session's folder, or a system file.")
    ],
    images: ImagesIfAny = None,
    image_column: ImageColumn = None,
    label_column: LabelColumn = None,
    data_split: DataSplit = None,
    encoder: Annotated[
        str | None, typer.Option("--encoder", help="For a system file: as in cotbuild new.")
    ] = None,
    crop: Crop = None,
    device: Device = "auto",
    dtype: Dtype = "float32",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="For a system file: the new session's folder."),
    ] = None,
    optimizer: Annotated[
        str,
        typer.Option(
            "--optimizer", help="greedy (no language model), or gepa (one that reflects)."
        ),
    ] = "greedy",
    evolve: Annotated[
        Literal["system", "prompt"],
        typer.Option(
            "--evolve", help="With gepa: the system, or the prompt that systems are drafted with."
        ),
    ] = "system",
    budget: Annotated[
        Literal["light", "medium", "heavy"] | None,
        typer.Option(
            "--budget", help="0, 4 or 16 restarts; with gepa 10, 40 or 160 calls. Default: light."
        ),
    ] = None,
    max_calls: Annotated[
        int | None,
        typer.Option(
            "--max-calls",
            help="At most so many changes that are measured; with gepa, calls to the model.",
        ),
    ] = None,
    max_cost: MaxCost = None,
    max_minutes: Annotated[
        float | None, typer.Option("--max-minutes", help="Search so long.")
    ] = None,
    llm: Llm = None,
    llm_url: LlmUrl = None,
    price: Price = None,
    prompts: PromptFolder = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the search.")] = 0,
    null: Annotated[
        bool,
        typer.Option("--null", help="Do the same with shuffled labels: the gain that is luck."),
    ] = False,
    yes: Yes = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what happens as one JSON object a line.")
    ] = False,
) -> None:
    """Improve a system without a person: fitted on review images, selected on held-out ones."""
    from builder.cli.evolving import evolve_session
    from builder.cli.evolving_model import Evolution, evolution_model
    from builder.cli.file_session import FileWishes
    from builder.cli.json_events import session_screen
    from builder.cli.model import ModelOptions
    from builder.cli.optimisers import Budget, check_flags, for_null, going_on, plan_of
    from builder.cli.optimising import STOPPED, check, null_of, optimise
    from builder.cli.settings import RunMode
    from builder.data import ImageSource
    from builder.errors import CotbuildError
    from builder.review.loop import Ended
    from builder.session.records import GEPA

    source = ImageSource(images, image_column, label_column, data_split) if images else None
    model = ModelOptions(spec=llm, url=llm_url, price=price, max_cost=max_cost, prompts=prompts)
    options = FileWishes(source, encoder, crop, device, dtype, seed, out, model)
    for_files = {
        "--images": images,
        "--image-column": image_column,
        "--label-column": label_column,
        "--data-split": data_split,
        "--encoder": encoder,
        "--crop": crop,
        "--device": device != "auto",
        "--dtype": dtype != "float32",
        "--out": out,
    }
    limits = Budget(budget, max_calls, max_minutes, max_cost)
    mode = RunMode(auto=True, yes=yes, rounds=None, min_accuracy=None)
    with session_screen(mode, as_json=as_json) as screen:
        check_flags(optimizer, limits, model, evolve, null=null)
        _check_target(target, [flag for flag, given in for_files.items() if given])
        again = going_on(optimizer, limits, model, evolve, seed, null=null)
        evolution = Evolution(evolve, limits, seed, again)

        def prepare(state: "State", folder: Path) -> "Model | None":
            check(state, folder)
            if optimizer != GEPA:
                return None
            return evolution_model(state, folder, evolution, model, screen, agreed=yes)

        with _opened(target, options, mode, screen, prepare) as (session, workspace, asked):
            try:
                if asked is not None:
                    reason = evolve_session(session, workspace, evolution, asked, screen)
                else:
                    plan = plan_of(limits, seed, session.state)
                    reason = optimise(session, workspace, plan, screen)
                if reason == STOPPED:
                    raise KeyboardInterrupt
                if null:
                    same = for_null(plan.optimiser, session.state)
                    with screen.step("The same search with shuffled labels"):
                        found = null_of(session, workspace, same, seed)
                    screen.shuffled(found)
            except KeyboardInterrupt:
                screen.left(session.folder, again)
                raise typer.Exit(INTERRUPTED) from None
            except CotbuildError:
                screen.over()
                raise
            ended = Ended(session.state, reason)
            screen.ended(session.folder, ended, exported=False, shortfall=None)


def _check_target(target: Path, for_files: list[str]) -> None:
    """Raises InputError where flags that only a system file needs are given for a session."""
    from builder.errors import InputError

    if for_files and target.is_dir():
        raise InputError(
            f"the session in {target} has images, an encoder and a folder of its own",
            hint=f"leave {', '.join(for_files)} away, or name a system file",
        )


@contextmanager
def _opened(
    target: Path,
    options: "FileWishes",
    mode: "RunMode",
    screen: "Screen",
    prepare: "Callable[[State, Path], Model | None]",
) -> Iterator[tuple["Session", "Workspace", "Model | None"]]:
    """The session in that folder, or a new one from that file. Raises CotbuildError.

    `prepare` comes before all that takes long or writes; the third value is what it gives.
    """
    from builder.cli.file_session import session_from_file
    from builder.cli.open_workspace import workspace_of
    from builder.session.journal import Session

    if not target.is_dir():
        with session_from_file(target, options, mode, screen, prepare) as opened:
            yield opened
        return
    with Session.open(target.absolute()) as session:
        prepared = prepare(session.state, session.folder)
        workspace = workspace_of(session, screen)
        if workspace is None:
            raise ValueError("a session with images has a workspace")
        screen.resumed(session.folder, session.state, session.torn_bytes)
        yield session, workspace, prepared
