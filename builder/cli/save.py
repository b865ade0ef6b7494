"""Saves what happens in a session, then writes the files that follow from it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from builder import __version__
from builder.cli.screen import Screen
from builder.cli.user_files import write_file
from builder.cli.workspace import SPLITS, Workspace, identity_of
from builder.data.images import LabelledImage
from builder.encoders.protocol import Encoder
from builder.files import command
from builder.review.loop import Recorded
from builder.scoring.evaluator import Evaluator
from builder.session import export, records
from builder.session.classes import described
from builder.session.journal import Session
from builder.session.state import State, Version, advance
from builder.system.file import Estimate, SplitName, SystemFile, write_system_file
from builder.system.json_format import write_article

# Records after which the working system may be another one.
_CHANGES = records.Drafted | records.Decided | records.Undone | records.Redone | records.Reverted
Format = Literal["cotbuild", "article"]
EXPORT_NAME = "export.json"


@dataclass(slots=True)
class Running:
    """An open session, and where it is shown; its images, by digest, and encoder if it has any.

    `workspace` is there when the images are encoded.
    """

    session: Session
    screen: Screen
    images: dict[str, LabelledImage] | None = None
    encoder: Encoder | None = None
    workspace: Workspace | None = None

    @property
    def state(self) -> State:
        return self.session.state

    @property
    def evaluator(self) -> Evaluator | None:
        return self.workspace.evaluator if self.workspace else None

    def record(self, record: records.Record, form: Format = "cotbuild") -> None:
        """Saves and shows a record that comes from outside the loop."""
        self.keep(Recorded(record, advance(self.state, record)), form)

    def keep(self, event: Recorded, form: Format = "cotbuild") -> None:
        """Saves the record, writes the files that follow from it, and shows it.

        An export's record comes first: a look at the final images counts even if writing fails.
        """
        record = event.record
        self.session.append(record, event.state)
        if isinstance(record, records.Exported):
            # Another version than the best may have been asked for.
            chosen = replace(event.state, best=record.version or None)
            bits = record.final or ""
            final = export.estimate(bits.count("1"), len(bits))
            file = system_file(chosen, self.workspace, final=final)
            article = form == "article"
            text = write_article(file.system, file.scoring) if article else write_system_file(file)
            again = command("export", self.session.folder, "-o", "FILE")
            write_file(Path(record.path), text, again)
        # Measuring an old version again may make another one the best.
        unmeasured = self.workspace is None and isinstance(record, _CHANGES)
        if unmeasured or isinstance(record, records.Measured):
            self.save_best()
        self.screen.recorded(event)

    def export(
        self, path: Path, form: Format = "cotbuild", version: Version | None = None
    ) -> records.Exported:
        """Writes the version, by default the best, to `path`, measured on the final images."""
        record = export.exported(self.state_with(version), self.evaluator, str(path))
        self.record(record, form)
        return record

    def state_with(self, version: Version | None) -> State:
        """The state in which that version is the best, whatever is."""
        return replace(self.state, best=version.number) if version else self.state

    def save_best(self) -> None:
        """Writes system.json from the journal's state; nothing without a draft."""
        if self.state.system is not None:
            file = system_file(self.state, self.workspace, final=None)
            self.session.save_best(write_system_file(file))


def system_file(state: State, workspace: Workspace | None, *, final: Estimate | None) -> SystemFile:
    """The envelope of the session's best version as of now."""
    return export.export_file(
        state,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        cotbuild=__version__,
        encoder=identity_of(workspace.encoder) if workspace else None,
        labels=workspace.labels if workspace else {},
        calibration=export.calibration_of(state, workspace.evaluator) if workspace else None,
        baselines=_baselines(state, workspace, looked=final is not None) if workspace else {},
        final=final,
        evaluator=workspace.evaluator if workspace else None,
    )


def _baselines(
    state: State, workspace: Workspace, *, looked: bool
) -> dict[str, dict[SplitName, Estimate]]:
    version = export.version_to_export(state)[1]
    step = version.steps[-1] if version else state.steps[-1]
    classes = described(state.started, workspace.labels.values(), step)
    found: dict[str, dict[SplitName, Estimate]] = {}
    for split in SPLITS if looked else SPLITS[:2]:
        scores = workspace.evaluator.baselines(state.started.domain, classes, split)
        for name, result in scores.items():
            if measured := export.estimate(int(result.correct.sum()), result.n):
                found.setdefault(name, {})[split] = measured
    return found
