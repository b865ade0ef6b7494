"""Opens a session's images and encoder, and the workspace that measures with them."""

from collections.abc import Mapping

from builder.cli.encoder_download import fetch_encoder
from builder.cli.file_inputs import encode_images, read_images
from builder.cli.save import Running
from builder.cli.screen import Screen
from builder.cli.workspace import SPLITS, Workspace, distinct, evaluator_of
from builder.data.images import LabelledImage
from builder.data.pictures import Crop
from builder.data.sources import ImageSource
from builder.data.splits import assign_splits
from builder.encoders.protocol import Encoder
from builder.scoring.near_duplicates import near_duplicates
from builder.session.classes import added_classes
from builder.session.records import Assigned, Started
from builder.session.state import State


def images_of(
    started: Started, screen: Screen, state: State | None = None
) -> dict[str, LabelledImage] | None:
    """The session's images by digest; None if it has none. Raises InputError.

    state: of a session that has begun, where classes may have been added.
    """
    if started.images is None:
        screen.no_images()
        return None
    source = ImageSource(
        started.images, started.image_column, started.label_column, started.data_split
    )
    names = [entry.name for entry in started.classes]
    names += added_classes(state) if state else ()
    return distinct(read_images(source, names, screen))


def encoder_of(started: Started, screen: Screen, *, agreed: bool = False) -> Encoder | None:
    """The session's encoder, loaded; None if it has none. Raises EncoderError."""
    if started.encoder is None:
        return None
    located = fetch_encoder(
        started.encoder, device=started.device, dtype=started.dtype, screen=screen, agreed=agreed
    )
    with screen.step(f"Loading the encoder {located.name}"):
        return located.load()


def open_workspace(running: Running) -> None:
    """Splits images that are new, and encodes all; nothing without images or encoder."""
    images, encoder, screen = running.images, running.encoder, running.screen
    if images is None or encoder is None:
        return
    known, seed = running.state.splits, running.state.started.seed
    labels = {digest: image.label for digest, image in images.items()}
    splits = assign_splits(labels, dict(known), seed=seed)
    fresh = {digest: split for digest, split in splits.items() if digest not in known}
    if fresh:
        running.record(Assigned(splits=fresh))
    running.workspace = _encoded(running.state, images, encoder, screen)
    if fresh:
        names = {digest: str(image.path) for digest, image in images.items()}
        screen.near_duplicates(near_duplicates(running.workspace.evaluator.splits), names)


def open_all(running: Running) -> None:
    """Reads the images, loads the encoder, and opens the workspace."""
    running.images = images_of(running.state.started, running.screen, running.state)
    running.encoder = encoder_of(running.state.started, running.screen)
    open_workspace(running)


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
    crop = Crop(*state.started.crop) if state.started.crop else None
    pictures = [images[digest] for digest in sorted(images)]
    vectors, phrases = encode_images(encoder, pictures, crop, screen)
    members = {split: {each for each in images if state.splits[each] == split} for split in SPLITS}
    scoring = state.started.scoring
    evaluator = evaluator_of(encoder, pictures, vectors, members, phrases, scoring)
    labels = {image.digest: image.label for image in pictures}
    workspace = Workspace(encoder, evaluator, labels)
    screen.encoder(workspace)
    return workspace
