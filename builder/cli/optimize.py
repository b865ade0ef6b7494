"""`cotbuild optimize`: an automatic search, in a session or from a system file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, ParamSpec

import typer

from builder.cli import INTERRUPTED, app, reports_errors
from builder.cli.flags import (
    ENCODER,
    IMAGES,
    RUNNING,
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
    flag,
)

if TYPE_CHECKING:
    from builder.cli.optimize_file import FileOptions
    from builder.cli.optimize_model import Model
    from builder.cli.screen import Screen
    from builder.cli.settings import RunMode
    from builder.cli.workspace import Workspace
    from builder.session.journal import Session
    from builder.session.state import State


SEARCH = "Search"
SYSTEM_FILE = "Images of a system file"
EXAMPLES = (
    "cotbuild optimize cotbuild-sessions/birds-1 --budget medium",
    "cotbuild optimize fish.json --images fish --optimizer gepa --llm gpt-4.1-mini",
)
P = ParamSpec("P")


def _file_flags_together(command: Callable[P, None]) -> Callable[P, None]:
    """Lists the shared image and encoder flags in one help panel, for system files only."""
    for name, hint in command.__annotations__.items():
        options = [copy(option) for option in getattr(hint, "__metadata__", ())]
        for option in options:
            if option.rich_help_panel in (IMAGES, ENCODER):
                option.rich_help_panel = SYSTEM_FILE
                command.__annotations__[name] = Annotated[hint.__origin__, option]
    return command


@app.command(epilog="Examples:\n" + "\n\n".join(EXAMPLES))
@reports_errors
@_file_flags_together
def optimize(
    target: Annotated[
        Path, typer.Argument(metavar="SESSION|SYSTEM", help="A session's folder, or a system file.")
    ],
    optimizer: Annotated[
        str,
        flag("--optimizer", "NAME", "greedy (default), or gepa, which asks a model.", SEARCH),
    ] = "greedy",
    budget: Annotated[
        Literal["light", "medium", "heavy"] | None,
        flag(
            "--budget",
            "NAME",
            "light (default): 0 restarts or 10 calls; medium: 4 or 40; heavy: 16 or 160.",
            SEARCH,
        ),
    ] = None,
    max_minutes: Annotated[
        float | None, flag("--max-minutes", "N", "Search so long.", SEARCH)
    ] = None,
    max_calls: Annotated[
        int | None,
        flag("--max-calls", "N", "The most changes measured; with gepa, calls.", SEARCH),
    ] = None,
    null: Annotated[
        bool, flag("--null", None, "Again with shuffled labels: the gain that is luck.", SEARCH)
    ] = False,
    seed: Annotated[int, flag("--seed", "N", "Seed of the search; default: 0.", SEARCH, min=0)] = 0,
    images: ImagesIfAny = None,
    out: Annotated[
        Path | None, flag("--out", "FOLDER", "The new session's; default: a new one.", SYSTEM_FILE)
    ] = None,
    encoder: Annotated[
        str | None, flag("--encoder", "NAME", "As in cotbuild new.", SYSTEM_FILE)
    ] = None,
    split_seed: Annotated[
        int, flag("--split-seed", "N", "Seed of the splits; default: 0.", SYSTEM_FILE, min=0)
    ] = 0,
    crop: Crop = None,
    image_column: ImageColumn = None,
    label_column: LabelColumn = None,
    data_split: DataSplit = None,
    device: Device = "auto",
    dtype: Dtype = "float32",
    llm: Llm = None,
    llm_url: LlmUrl = None,
    prompts: PromptFolder = None,
    max_cost: MaxCost = None,
    price: Price = None,
    yes: Yes = False,
    as_json: Annotated[
        bool, flag("--json", None, "Print JSON events, one a line.", RUNNING)
    ] = False,
) -> None:
    """Improve a system without a person: fitted on review images, selected on held-out ones."""
    from builder.cli.json_events import session_screen
    from builder.cli.model import ModelOptions
    from builder.cli.optimize_file import FileOptions
    from builder.cli.optimize_limits import Budget, check_flags, for_null, going_on, greedy_of
    from builder.cli.optimize_model import Evolution, evolution_model
    from builder.cli.optimize_session import check, evolve_session, null_of, optimise
    from builder.cli.settings import RunMode
    from builder.data.sources import ImageSource
    from builder.errors import CotbuildError
    from builder.search.session import STOPPED
    from builder.session.records import GEPA

    source = ImageSource(images, image_column, label_column, data_split) if images else None
    model = ModelOptions(spec=llm, url=llm_url, price=price, max_cost=max_cost, prompts=prompts)
    options = FileOptions(source, encoder, crop, device, dtype, split_seed, out, model)
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
        "--split-seed": split_seed,
    }
    limits = Budget(budget, max_calls, max_minutes, max_cost)
    mode = RunMode(auto=True, yes=yes, rounds=None, min_accuracy=None)
    with session_screen(mode, as_json=as_json) as screen:
        check_flags(optimizer, limits, model, null=null)
        _check_target(target, [name for name, given in for_files.items() if given])
        again = going_on(optimizer, limits, model, seed, null=null)
        evolution = Evolution(limits, seed, again)

        def prepare(state: "State", folder: Path) -> "Model | None":
            check(state, folder)
            if optimizer != GEPA:
                return None
            return evolution_model(state, folder, evolution, model, screen, agreed=yes)

        with _opened(target, options, mode, screen, prepare) as (session, workspace, asked):
            try:
                if asked is not None:
                    ended = evolve_session(session, workspace, evolution, asked, screen)
                else:
                    greedy = greedy_of(limits, seed, session.state)
                    ended = optimise(session, workspace, greedy, limits, screen)
                if ended.reason == STOPPED:
                    raise KeyboardInterrupt
                if null:
                    same = for_null(greedy, session.state)
                    with screen.step("The same search with shuffled labels"):
                        found = null_of(session, workspace, same, seed)
                    screen.shuffled(found)
            except KeyboardInterrupt:
                screen.left(session.folder, again)
                raise typer.Exit(INTERRUPTED) from None
            except CotbuildError:
                screen.over()
                raise
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
    options: "FileOptions",
    mode: "RunMode",
    screen: "Screen",
    prepare: "Callable[[State, Path], Model | None]",
) -> Iterator[tuple["Session", "Workspace", "Model | None"]]:
    """The session in that folder, or a new one from that file. Raises CotbuildError.

    `prepare` comes before all that takes long or writes; the third value is what it gives.
    """
    from builder.cli.open_workspace import workspace_of
    from builder.cli.optimize_file import session_from_file
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
