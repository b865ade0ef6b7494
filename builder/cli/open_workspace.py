"""Opens a session's images and encoder, and the workspace that measures with them."""

from collections.abc import Mapping

from builder.cli.encoder_download import fetch_encoder
from builder.cli.save import record_entry
from builder.cli.screen import Screen
from builder.cli.workspace import (
    Workspace,
    distinct,
    encoded_workspace,
    list_images,
    new_splits,
)
from builder.data.images import LabelledImage
from builder.encoders.protocol import Encoder
from builder.scoring.near_duplicates import near_duplicates
from builder.session.classes import added_classes
from builder.session.journal import Session
from builder.session.records import Assigned, Started
from builder.session.state import State


def images_of(
    started: Started, screen: Screen, state: State | None = None
) -> dict[str, LabelledImage] | None:
    """The session's images by digest; None if it has none. Raises InputError.

    state: of a session that has begun, where classes may have been added.
    """
    with screen.progress("Reading images") as on_progress:
        found = list_images(started, on_progress, added_classes(state) if state else ())
    if found is None:
        screen.no_images()
        return None
    images = distinct(found)
    screen.images(found, copies=len(found.images) - len(images))
    return images


def encoder_of(started: Started, screen: Screen, *, agreed: bool = False) -> Encoder | None:
    """The session's encoder, loaded; None if it has none. Raises EncoderError."""
    if started.encoder is None:
        return None
    located = fetch_encoder(
        started.encoder, device=started.device, dtype=started.dtype, screen=screen, agreed=agreed
    )
    with screen.step(f"Loading the encoder {located.name}"):
        return located.load()


def open_workspace(
    session: Session,
    images: dict[str, LabelledImage] | None,
    encoder: Encoder | None,
    screen: Screen,
) -> Workspace | None:
    """Splits images that are new, and encodes all; None without images or encoder."""
    if images is None or encoder is None:
        return None
    state = session.state
    fresh = new_splits(images, state.splits, state.started.seed)
    if fresh:
        record_entry(session, None, Assigned(splits=fresh), screen)
    workspace = _encoded(session.state, images, encoder, screen)
    if fresh:
        names = {digest: str(image.path) for digest, image in images.items()}
        screen.near_duplicates(near_duplicates(workspace.evaluator.splits), names)
    return workspace


def workspace_of(session: Session, screen: Screen) -> Workspace | None:
    """The workspace of an open session."""
    started = session.state.started
    images = images_of(started, screen, session.state)
    return open_workspace(session, images, encoder_of(started, screen), screen)


def workspace_to_read(
    state: State, screen: Screen
) -> tuple[Workspace, Mapping[str, LabelledImage]] | None:
    """The workspace of a session that is only read, and its images by digest.

    Images that the session does not know stay out: to give them a split is to write. None without
    images or an encoder.
    """
    started = state.started
    found = images_of(started, screen, state)
    known = {digest: image for digest, image in (found or {}).items() if digest in state.splits}
    encoder = encoder_of(started, screen) if known else None
    if encoder is None:
        return None
    return _encoded(state, known, encoder, screen), known


def _encoded(
    state: State, images: Mapping[str, LabelledImage], encoder: Encoder, screen: Screen
) -> Workspace:
    with screen.progress("Encoding images") as on_progress:
        workspace = encoded_workspace(
            state.started,
            images,
            state.splits,
            encoder=encoder,
            on_progress=on_progress,
            on_warning=screen.warning,
        )
    screen.encoder(encoder, workspace)
    return workspace
