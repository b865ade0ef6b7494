"""`cotbuild optimize`: an automatic search, in a session or from a system file."""

from collections.abc import Callable
from contextlib import ExitStack
from copy import copy
from pathlib import Path
from typing import Annotated, Literal, ParamSpec

import typer

from builder.cli import INTERRUPTED, app, flags
from builder.cli.flags import ENCODER, IMAGES, RUNNING, flag

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
@_file_flags_together
def optimize(
    target: Annotated[
        Path, typer.Argument(metavar="SESSION|SYSTEM", help="A session's folder, or a system file.")
    ],
    optimizer: Annotated[
        str, flag("--optimizer", "NAME", "greedy (default), or gepa, which asks a model.", SEARCH)
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
        int | None, flag("--max-calls", "N", "The most changes measured; with gepa, calls.", SEARCH)
    ] = None,
    null: Annotated[
        bool, flag("--null", None, "Again with shuffled labels: the gain that is luck.", SEARCH)
    ] = False,
    seed: Annotated[int, flag("--seed", "N", "Seed of the search; default: 0.", SEARCH, min=0)] = 0,
    images: flags.ImagesIfAny = None,
    out: Annotated[
        Path | None, flag("--out", "FOLDER", "The new session's; default: a new one.", SYSTEM_FILE)
    ] = None,
    encoder: Annotated[
        str | None, flag("--encoder", "NAME", "As in cotbuild new.", SYSTEM_FILE)
    ] = None,
    split_seed: Annotated[
        int, flag("--split-seed", "N", "Seed of the splits; default: 0.", SYSTEM_FILE, min=0)
    ] = 0,
    crop: flags.Crop = None,
    image_column: flags.ImageColumn = None,
    label_column: flags.LabelColumn = None,
    data_split: flags.DataSplit = None,
    device: flags.Device = "auto",
    dtype: flags.Dtype = "float32",
    llm: flags.Llm = None,
    llm_url: flags.LlmUrl = None,
    prompts: flags.PromptFolder = None,
    llm_timeout: flags.LlmTimeout = None,
    max_cost: flags.MaxCost = None,
    price: flags.Price = None,
    yes: flags.Yes = False,
    as_json: Annotated[
        bool, flag("--json", None, "Print JSON events, one a line.", RUNNING)
    ] = False,
) -> None:
    """Improve a system without a person: fitted on review images, selected on held-out ones."""
    from builder.cli import optimize_limits, settings
    from builder.cli.begin import created, fresh_folder
    from builder.cli.consent import confirm_download
    from builder.cli.json_events import session_screen
    from builder.cli.model import ModelOptions
    from builder.cli.open_workspace import open_all, open_workspace
    from builder.cli.optimize_model import evolution_model
    from builder.cli.optimize_session import Search, check
    from builder.cli.save import Running
    from builder.data.classes import ClassEntry
    from builder.data.pictures import Crop
    from builder.data.sources import ImageSource
    from builder.errors import CotbuildError, InputError
    from builder.search.session import STOPPED
    from builder.session.journal import Session, check_free
    from builder.session.records import GEPA, Drafted
    from builder.session.state import advance, begin
    from builder.system.file import load_system_file

    source = ImageSource(images, image_column, label_column, data_split) if images else None
    model = ModelOptions(spec=llm, url=llm_url, price=price, max_cost=max_cost, prompts=prompts)
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
    limits = optimize_limits.Budget(budget, max_calls, max_minutes, max_cost, seed)
    mode = settings.RunMode(auto=True, yes=yes, timeout=llm_timeout)
    # The session is closed after what ends it is shown.
    with session_screen(mode, as_json=as_json) as screen, ExitStack() as stack:
        optimize_limits.check_flags(optimizer, limits, model, null=null)
        again = optimize_limits.going_on(optimizer, limits, model, null=null)
        if target.is_dir():
            if too_many := [name for name, given in for_files.items() if given]:
                raise InputError(
                    f"the session in {target} has images, an encoder and a folder of its own",
                    hint=f"leave {', '.join(too_many)} away, or name a system file",
                )
            session = stack.enter_context(Session.open(target.absolute()))
            state, folder = session.state, session.folder
        else:
            file = load_system_file(target)
            if source is None:
                raise InputError(
                    f"no images were named to measure {target} on",
                    hint="name a folder with one sub-folder per class, or a data set: "
                    "--images FOLDER",
                )
            measured = file.provenance.crop if file.provenance else None
            started = settings.settings_of(
                file.system.domain,
                [ClassEntry(name) for name in file.system.classes],
                source,
                encoder,
                Crop(*measured) if measured and not crop else settings.crop_of(crop, source),
                model,
                device=device,
                dtype=dtype,
                scoring=file.scoring.of_session(),
                seed=split_seed,
            )
            folder = (out or fresh_folder(target)).absolute()
            check_free(folder)
            draft = Drafted(system=file.system, source=str(target))
            state = advance(begin(started), draft)
        # What is checked here comes before all that takes long or writes.
        check(state, folder)
        asked = None
        if optimizer == GEPA:
            asked = evolution_model(state, folder, limits, model, screen, mode)
        if target.is_dir():
            running = Running(session, screen)
            open_all(running)
            screen.resumed(folder, session.state, session.torn_bytes)
        else:
            confirm_download(started, mode, None, screen, named=encoder is not None)
            running = stack.enter_context(created(started, (target, file), folder, screen))
            open_workspace(running)
        search = Search(running, limits)
        try:
            greedy = optimize_limits.greedy_of(limits, running.state)
            ended = search.evolve(*asked, again) if asked else search.greedy(greedy)
            if ended.reason == STOPPED:
                raise KeyboardInterrupt
            if null:
                same = optimize_limits.for_null(greedy, running.state)
                with screen.step("The same search with shuffled labels"):
                    found = search.null(same)
                screen.shuffled(found)
        except KeyboardInterrupt:
            screen.left(running.session.folder, again)
            raise typer.Exit(INTERRUPTED) from None
        except CotbuildError:
            screen.over()
            raise
        screen.ended(running.session.folder, ended)
