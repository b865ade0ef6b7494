"""Writes a session's report: reads its folder, and measures and opens what that needs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from builder import __version__
from builder.cli.model import price_of
from builder.cli.open_workspace import workspace_to_read
from builder.cli.pictures import SessionPictures
from builder.cli.screen import TOY, Screen, spent_words
from builder.cli.user_files import check_drafted, write_file
from builder.cli.workspace import Workspace, identity_of
from builder.files import command
from builder.llm.drafter import spent
from builder.report.chosen_failures import failures
from builder.report.contents import Contents, FromImages, Origin, Picture
from builder.report.page import page
from builder.report.thumbnails import data_uri
from builder.review.findings import Measurements
from builder.session.export import version_to_export
from builder.session.journal import TRANSCRIPT, read_journal, read_story
from builder.session.state import State

REPORT_NAME = "report.html"
NO_IMAGES = (
    "This report was made without images: it tells of the system and its history, and shows no "
    "confusions, no failures and no figures on groups."
)
# The size of all pictures in the page, as text; the rest of a large report is as big.
_PICTURE_BYTES = 2_500_000


def write_report(folder: Path, path: Path, screen: Screen, *, no_images: bool) -> int:
    """Reads the session in `folder`, takes no lock, and replaces `path`, of so many bytes.

    Raises CotbuildError.
    """
    story = read_story(folder)
    state = story.state
    check_drafted(state, folder)
    found = None if no_images else workspace_to_read(state, screen)
    measured = None
    if found:
        workspace, images = found
        measured = _measured(state, workspace, SessionPictures(state.started, images), screen)
    origin = _origin(folder, state, found[0] if found else None)
    text = page(Contents(story, origin, measured))
    write_file(path, text, command("report", folder, "-o", "FILE"))
    return len(text.encode())


def _measured(
    state: State, workspace: Workspace, pictures: SessionPictures, screen: Screen
) -> FromImages:
    version = version_to_export(state)[1]
    step = version.steps[-1] if version else state.steps[-1]
    with screen.step("Measuring"):
        findings = Measurements(workspace.evaluator, state.started).of(step, state.rescored)
        wrong = failures(findings.review, findings.system)
    with screen.progress("Making thumbnails") as on_progress:
        thumbnails: dict[str, Picture] = {}
        left = _PICTURE_BYTES
        for done, (_, case) in enumerate(wrong.worst, start=1):
            digest = findings.digests[case.index]
            opened = pictures.open(digest)
            picture = Picture(pictures.name(digest), data_uri(opened)) if opened else None
            if picture and len(picture.source) <= left:
                thumbnails[digest] = picture
                left -= len(picture.source)
            on_progress(done, len(wrong.worst))
    return FromImages(findings, wrong, thumbnails)


def _origin(folder: Path, state: State, workspace: Workspace | None) -> Origin:
    took = spent(folder / TRANSCRIPT, price_of(state.started))
    return Origin(
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        cotbuild=__version__,
        last=read_journal(folder).times[-1],
        encoder=identity_of(workspace.encoder) if workspace else None,
        spending=spent_words(took),
        warnings=_warnings(state, workspace.labels if workspace else None),
    )


def _warnings(state: State, at_hand: Mapping[str, str] | None) -> tuple[str, ...]:
    """What a reader must know first; `at_hand`: the images behind the report, by digest."""
    warnings = [TOY] if state.started.encoder == "miniature" else []
    if at_hand is None:
        warnings.append(NO_IMAGES)
    elif missing := len(state.splits) - len(at_hand):
        warnings.append(
            f"{missing} of the session's {len(state.splits)} images are not where they were, or "
            "were changed: what is worked out from images is about the others."
        )
    return tuple(warnings)
