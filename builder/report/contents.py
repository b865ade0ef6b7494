"""What a report tells, as values: everything on the page is worked out from these."""

from collections.abc import Mapping
from dataclasses import dataclass

from builder.report.chosen_failures import Failures
from builder.review.findings import Findings
from builder.session.export import version_to_export
from builder.session.state import State, Version
from builder.session.story import Story
from builder.system.file import EncoderIdentity
from builder.system.model import AttributeSystem


@dataclass(frozen=True, slots=True)
class Picture:
    """A review image as the page shows it: its file's name, and a `data:` address."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a report comes from.

    made: when it was made, last: when the session was last written to, ISO 8601 in UTC, or "".
    cotbuild: the version that made the report. spending: what the language model took, in words;
    "" for nothing. warnings: what a reader must know first.
    """

    made: str
    cotbuild: str
    last: str = ""
    encoder: EncoderIdentity | None = None
    spending: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class FromImages:
    """What needs images: the findings on the best version, and a choice of what went wrong.

    pictures: by digest; of images that could not be opened, or for which there was no room, there
    is none.
    """

    findings: Findings
    failures: Failures
    pictures: Mapping[str, Picture]


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """A session's story, and what was measured for this report; None without images at hand."""

    story: Story
    origin: Origin
    measured: FromImages | None = None

    @property
    def state(self) -> State:
        """The session's."""
        return self.story.state

    @property
    def version(self) -> Version | None:
        """The version that the report is about: the best one."""
        return version_to_export(self.state)[1]

    @property
    def system(self) -> AttributeSystem:
        """The best version's system, or the working system where none was measured."""
        return version_to_export(self.state)[0]
