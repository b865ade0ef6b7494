"""From flags to a running session: everything is checked before anything is spent."""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import typer

from builder import __version__
from builder.cli import INTERRUPTED
from builder.cli.bench import (
    Bench,
    distinct,
    list_images,
    new_splits,
    open_bench,
    scoring_from,
)
from builder.cli.play import EXPORT_NAME, Format, Table, play, store
from builder.cli.screen import Screen
from builder.data import ClassEntry, Crop, LabelledImage, read_classes
from builder.encoders.open import open_encoder
from builder.encoders.protocol import Encoder
from builder.errors import InputError, SessionError
from builder.exporting import exported
from builder.history import State, advance
from builder.llm import ReplayDrafter, open_drafter
from builder.llm.drafting import BATCH
from builder.loop import Recorded
from builder.records import Assigned, ClassInfo, Drafted, Record, Started
from builder.requests import DEFAULT_ATTRIBUTES, Drafter
from builder.reviewing import AutoReviewer, Reviewer
from builder.session import TRANSCRIPT, Session
from builder.system import AttributeSystem
from builder.system_file import load_system_file
from builder.terminal.ask import open_asker
from builder.terminal.asker import Asker, interactive
from builder.terminal.editing import first_system
from builder.terminal.review import TerminalReviewer

SESSIONS = Path("cotbuild-sessions")
REPLAY = "replay:"
LOOPBACK = ("localhost", "::1")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the flags of `new` ask for."""

    classes: Path
    images: Path | None
    no_images: bool
    encoder: str | None
    llm: str | None
    llm_url: str | None
    domain: str | None
    attributes: tuple[str, ...]
    start: Path | None
    crop: str | None
    rule: str
    scale: float | None
    device: str
    seed: int
    patience: int


@dataclass(frozen=True, slots=True)
class Manner:
    """How a session is played: by whom, how long, and what counts as success."""

    auto: bool
    yes: bool
    rounds: int | None
    min_accuracy: float | None


def begin(wishes: Wishes, out: Path | None, manner: Manner) -> None:
    """`cotbuild new`. Raises CotbuildError; ends with typer.Exit where the code is not 0."""
    screen = Screen.open()
    asker = _asker(manner)
    entries = read_classes(wishes.classes)
    started = _started(wishes, entries, asker)
    start = _start_system(wishes.start, started) if wishes.start else None
    if start is None and started.llm is None and asker is None:
        raise InputError(
            "there is no system to begin with, and no language model to draft one",
            hint="name a model with --llm, or begin from a system with --start FILE",
        )
    images = _images(started, screen)
    encoder = open_encoder(started.encoder, device=started.device) if started.encoder else None
    _confirm_spending(started, manner, asker)
    folder = (out or _fresh_folder(wishes.classes)).absolute()
    drafter = _drafter(started, folder, screen)
    with Session.create(folder, started) as session:
        screen.began(session.folder, started)
        if start is not None:
            put(session, None, Drafted(system=start, source=str(wishes.start)), screen)
        _play(session, images, encoder, drafter, asker, manner, screen)


def go_on(folder: Path, llm: str | None, llm_url: str | None, manner: Manner) -> None:
    """`cotbuild resume`. Raises CotbuildError; ends with typer.Exit where the code is not 0."""
    screen = Screen.open()
    asker = _asker(manner)
    with Session.open(folder.absolute()) as session:
        started = session.state.started
        images = _images(started, screen)
        encoder = open_encoder(started.encoder, device=started.device) if started.encoder else None
        # Another model may answer from here on; the journal keeps what the session began with.
        speaking = started.model_copy(
            update={"llm": _llm(llm) if llm else started.llm, "llm_url": llm_url or started.llm_url}
        )
        _confirm_spending(speaking, manner, asker)
        drafter = _drafter(speaking, session.folder, screen)
        screen.resumed(session.folder, session.state, session.torn_bytes)
        _play(session, images, encoder, drafter, asker, manner, screen)


def _play(
    session: Session,
    images: dict[str, LabelledImage] | None,
    encoder: Encoder | None,
    drafter: Drafter | None,
    asker: Asker | None,
    manner: Manner,
    screen: Screen,
) -> None:
    try:
        bench = _bench(session, images, encoder, screen)
        if session.state.system is None and drafter is None and asker is not None:
            _begin_by_hand(session, bench, asker, screen)
        reviewer: Reviewer = TerminalReviewer(asker, screen.results) if asker else AutoReviewer()
        ended = play(Table(session, bench, drafter, reviewer), screen, rounds=manner.rounds)
        if manner.auto:
            record = exported(
                session.state,
                bench.referee if bench else None,
                str(session.folder / EXPORT_NAME),
            )
            put(session, bench, record, screen)
        screen.ended(session.folder, ended)
    except KeyboardInterrupt:
        screen.left(session.folder)
        raise typer.Exit(INTERRUPTED) from None
    _check_accuracy(session.state, manner, screen)


def put(
    session: Session,
    bench: Bench | None,
    record: Record,
    screen: Screen,
    form: Format = "cotbuild",
) -> None:
    """Stores one record outside the loop, and says so."""
    event = Recorded(record, advance(session.state, record))
    store(session, bench, event, form)
    screen.recorded(event)


def bench_of(session: Session, screen: Screen) -> Bench | None:
    """The workbench of a session that was opened."""
    started = session.state.started
    images = _images(started, screen)
    encoder = open_encoder(started.encoder, device=started.device) if started.encoder else None
    return _bench(session, images, encoder, screen)


def _asker(manner: Manner) -> Asker | None:
    if manner.auto:
        return None
    if not interactive():
        raise InputError(
            "there is nobody to review the proposals: this is not a terminal",
            hint="add --auto to accept what helps on review images, or run it in a terminal",
        )
    return open_asker()


def _started(wishes: Wishes, entries: tuple[ClassEntry, ...], asker: Asker | None) -> Started:
    images = _images_folder(wishes, asker)
    if images is not None and wishes.encoder is None:
        raise InputError(
            "there are images, but no encoder to look at them",
            hint="name a CLIP or SigLIP checkpoint with --encoder (hub id or local folder), "
            "or leave the images out with --no-images",
        )
    crop = Crop.parse(wishes.crop) if wishes.crop else None
    return Started(
        cotbuild=__version__,
        domain=_domain(wishes, asker),
        classes=tuple(ClassInfo(name=e.name, description=e.description) for e in entries),
        images=str(images.absolute()) if images else None,
        crop=(crop.left, crop.top, crop.right, crop.bottom) if crop else None,
        encoder=_absolute_if_folder(wishes.encoder) if images and wishes.encoder else None,
        device=wishes.device,
        llm=_llm(wishes.llm),
        llm_url=wishes.llm_url or os.environ.get("OPENAI_BASE_URL") or None,
        attributes=wishes.attributes or DEFAULT_ATTRIBUTES,
        scoring=scoring_from(wishes.rule, wishes.scale),
        seed=wishes.seed,
        patience=wishes.patience,
    )


def _images_folder(wishes: Wishes, asker: Asker | None) -> Path | None:
    if wishes.images is not None or wishes.no_images:
        return None if wishes.no_images else wishes.images
    if asker is None:
        raise InputError(
            "no images were named, and there is nobody to ask",
            hint="name a folder with one sub-folder per class: --images FOLDER; "
            "or draft without scoring anything: --no-images",
        )
    answer = asker.text(
        "Folder with images, one sub-folder per class (empty: none, nothing will be scored)",
        check=_folder_complaint,
    )
    return Path(answer).expanduser() if answer else None


def _folder_complaint(typed: str) -> str | None:
    if not typed or Path(typed).expanduser().is_dir():
        return None
    return f"there is no folder {typed}"


def _domain(wishes: Wishes, asker: Asker | None) -> str:
    if wishes.domain:
        return wishes.domain
    typed = asker.text("What are these classes? (e.g. Pokémon, bird, part)") if asker else None
    return typed or "object"


def _absolute_if_folder(spec: str) -> str:
    # A session may be resumed from another folder.
    folder = Path(spec).expanduser()
    return str(folder.absolute()) if folder.is_dir() else spec


def _llm(spec: str | None) -> str | None:
    """The model as the journal keeps it; None for none."""
    if spec is None or spec == "none":
        return None
    if spec.startswith(REPLAY):
        return REPLAY + str(Path(spec.removeprefix(REPLAY)).expanduser().absolute())
    return spec


def _start_system(path: Path, started: Started) -> AttributeSystem:
    """The system to begin from; its classes must be those of the classes file."""
    system = load_system_file(path).system
    names = {entry.name for entry in started.classes}
    missing = [name for name in names if name not in system.rules]
    extra = [name for name in system.rules if name not in names]
    if missing or extra:
        parts = [
            f"{what}: {', '.join(sorted(found)[:8])}"
            for what, found in (("without a rule", missing), ("not in the classes file", extra))
            if found
        ]
        raise InputError(
            f"{path} is for other classes than the classes file ({'; '.join(parts)})",
            hint="make the names the same in both files, letter by letter",
        )
    return system


def _images(started: Started, screen: Screen) -> dict[str, LabelledImage] | None:
    with screen.progress("Reading images") as on_progress:
        found = list_images(started, on_progress)
    if found is None:
        screen.no_images()
        return None
    images = distinct(found)
    screen.images(found, copies=len(found.images) - len(images))
    return images


def _bench(
    session: Session,
    images: dict[str, LabelledImage] | None,
    encoder: Encoder | None,
    screen: Screen,
) -> Bench | None:
    if images is None or encoder is None:
        return None
    state = session.state
    fresh = new_splits(images, state.splits, state.started.seed)
    if fresh:
        put(session, None, Assigned(splits=fresh), screen)
    with screen.progress("Encoding images") as on_progress:
        bench = open_bench(
            state.started,
            images,
            session.state.splits,
            encoder=encoder,
            on_progress=on_progress,
            on_warning=screen.warning,
        )
    screen.encoder(encoder, bench)
    return bench


def _begin_by_hand(session: Session, bench: Bench | None, asker: Asker, screen: Screen) -> None:
    started = session.state.started
    system = first_system(asker, started.domain, [entry.name for entry in started.classes])
    if system is None:
        raise KeyboardInterrupt
    put(session, bench, Drafted(system=system, source="person"), screen)


def _drafter(started: Started, folder: Path, screen: Screen) -> Drafter | None:
    drafter = open_drafter(
        started.llm,
        url=started.llm_url,
        transcript=folder / TRANSCRIPT,
        on_event=screen.llm_event,
    )
    if isinstance(drafter, ReplayDrafter):
        screen.replays(drafter.label, drafter.about)
    return drafter


def _confirm_spending(started: Started, manner: Manner, asker: Asker | None) -> None:
    """Before a request leaves for a server that may charge for it, somebody must have agreed."""
    if manner.yes or not _may_cost(started):
        return
    where = started.llm_url or "OpenAI"
    calls = 1 + math.ceil(len(started.classes) / BATCH)
    what = (
        f"{started.llm} at {where} will be sent the {len(started.classes)} class names with their "
        f"descriptions: about {calls} calls for a draft, then 1 a round"
    )
    if asker is None:
        raise InputError(
            f"{what}; nobody has agreed to the cost",
            hint="add --yes to agree, or use a local server with --llm-url",
        )
    if not asker.confirm(f"{what}. Its price is not known here. Go on?", default=True):
        raise typer.Exit(0)


def _may_cost(started: Started) -> bool:
    if started.llm is None or started.llm.startswith(REPLAY):
        return False
    host = urlsplit(started.llm_url or "").hostname or ""
    return host not in LOOPBACK and not host.startswith("127.")


def _fresh_folder(classes: Path) -> Path:
    stem = classes.absolute().parent.name if classes.stem == "classes" else classes.stem
    for number in range(1, 10_000):
        folder = SESSIONS / f"{stem or 'session'}-{number}"
        if not folder.exists():
            return folder
    raise SessionError(
        f"{SESSIONS} is full of sessions named {stem}", hint="name another folder with --out"
    )


def _check_accuracy(state: State, manner: Manner, screen: Screen) -> None:
    """Raises typer.Exit with 1 when the best version is not good enough."""
    if manner.min_accuracy is None:
        return
    best = state.best_version
    reached = best.correct / len(best.held_out) if best and best.held_out else 0.0
    if reached < manner.min_accuracy:
        screen.below(reached, manner.min_accuracy)
        raise typer.Exit(1)
