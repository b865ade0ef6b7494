"""The records of the journal: one typed line for everything that happens in a session."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from builder.edits.locks import Lock
from builder.edits.model import Proposal
from builder.scoring.statistics import Effect
from builder.system.file import SplitName
from builder.system.model import AttributeSystem, Scoring, Value

JOURNAL_VERSION = 3

# One character per image, 1 where it was classified correctly, in the order of the digests.
CorrectBits = Annotated[str, StringConstraints(pattern=r"^[01]*$")]


class ClassInfo(Value):
    name: str
    description: str = ""


class Started(Value):
    """The settings of a session; paths are as the user gave them, made absolute.

    `images` is a folder or a data set on the hub; the columns and the split are the user's choice,
    if there was one. `language` and `prompts` (a folder) choose the templates, `context` is
    background for the model, `price` what a million tokens cost, in and out, if the user said so,
    `max_cost` and `max_tokens` the most that the session may spend.
    `transcript`: whether requests and replies are kept. `rounds`: the most of an automatic session.
    `start`: the file that it begins from, if there is one.
    """

    kind: Literal["started"] = "started"
    version: int = JOURNAL_VERSION
    cotbuild: str
    domain: str
    classes: tuple[ClassInfo, ...]
    images: str | None
    image_column: str | None = None
    label_column: str | None = None
    data_split: str | None = None
    crop: tuple[float, float, float, float] | None = None
    encoder: str | None
    device: str = "auto"
    dtype: str = "float32"
    llm: str | None
    llm_url: str | None = None
    price: tuple[float, float] | None = None
    max_cost: float | None = None
    max_tokens: int | None = None
    transcript: bool = True
    language: str = "en"
    prompts: str | None = None
    context: str = ""
    attributes: tuple[str, ...] = ()
    scoring: Scoring = Scoring()
    seed: int = 0
    patience: int = 2
    rounds: int | None = None
    start: str | None = None


class Assigned(Value):
    """Newly seen images (by content hash) and the split each belongs to from now on."""

    kind: Literal["assigned"] = "assigned"
    splits: Mapping[str, SplitName]


# The source of a draft from the bundled library, its rules fitted on review images.
GENERAL_ATTRIBUTES = "general attributes"


class Drafted(Value):
    """The first system, and where it came from: a model's name, a file, a person, the library."""

    kind: Literal["drafted"] = "drafted"
    system: AttributeSystem
    source: str


class Measured(Value):
    """The images that the working system has right; an old version may be measured again.

    `images` identifies these images, so that versions are compared on the same ones.
    """

    kind: Literal["measured"] = "measured"
    version: int
    images: str
    review: CorrectBits
    held_out: CorrectBits


class Proposed(Value):
    """The proposals of a round as offered; `asked`: a language model answered."""

    kind: Literal["proposed"] = "proposed"
    round: int
    asked: bool
    proposals: tuple[Proposal, ...]


Decision = Literal["accepted", "rejected", "skipped"]


class Decided(Value):
    """One decision. A person's own edit is a proposal of theirs, accepted.

    `instead_of`: the proposal that it was made from, and that is decided with it. `together`: made
    in one go with the decision before, and undone with it.
    """

    kind: Literal["decided"] = "decided"
    proposal: Proposal
    decision: Decision
    instead_of: Proposal | None = None
    by: Literal["person", "auto"]
    effect: Effect | None = None
    reason: str = ""
    together: bool = False


class Noted(Value):
    """A person's note to the language model, sent with the next revision."""

    kind: Literal["noted"] = "noted"
    text: str


class Locked(Value):
    kind: Literal["locked"] = "locked"
    lock: Lock


class Unlocked(Value):
    kind: Literal["unlocked"] = "unlocked"
    lock: Lock


class Undone(Value):
    """Takes back the last decision, note, lock or return to a version.

    `of` "accepted", as the first journals meant it: the last accepted proposal, whatever came
    after it.
    """

    kind: Literal["undone"] = "undone"
    of: Literal["accepted", "last"] = "accepted"


class Redone(Value):
    """Does the last undone act again."""

    kind: Literal["redone"] = "redone"


class Reverted(Value):
    """Makes a version's system the working system again."""

    kind: Literal["reverted"] = "reverted"
    version: int


class Rescored(Value):
    """Scores systems differently from here on; all versions are measured again."""

    kind: Literal["rescored"] = "rescored"
    scoring: Scoring


class RulesTried(Value):
    """A version is shown on held-out images by so many other scoring rules, each of them a look.

    `images` identifies the held-out images, whatever they are scored by.
    """

    kind: Literal["rules_tried"] = "rules_tried"
    version: int
    images: str
    rules: Annotated[int, Field(ge=1)]


class RoundEnded(Value):
    """`by`: who ended it; None where an older journal does not say."""

    kind: Literal["round_ended"] = "round_ended"
    round: int
    by: Literal["person", "auto"] | None = None


class Extended(Value):
    """An automatic session is to go on for so many more rounds, its patience renewed."""

    kind: Literal["extended"] = "extended"
    rounds: int


# Optimisers by name.
GREEDY, GEPA = "greedy", "gepa"


class Optimised(Value):
    """The progress of an optimiser's run: how many changes it has measured on review images.

    `restarts` that are over, of this seed and in this session; the next run goes on from there.
    `llm`: the model that was asked, if any. `reason`: why it ended.
    """

    kind: Literal["optimised"] = "optimised"
    optimiser: str
    llm: str | None = None
    seed: int
    measured: int
    restarts: int = 0
    reason: str


class Exported(Value):
    """A version was written to a file; `final`: which final images are right, if it was looked at.

    `version` 0 is a system that was never measured. `images` identifies the final images.
    """

    kind: Literal["exported"] = "exported"
    path: str
    version: int
    images: str = ""
    final: CorrectBits | None


# What can be undone, and done again.
Act = Decided | Noted | Locked | Unlocked | Reverted | Rescored
_Round = Assigned | Drafted | Measured | Proposed | RulesTried | RoundEnded | Extended
Record = Annotated[
    Started | _Round | Act | Undone | Redone | Optimised | Exported, Field(discriminator="kind")
]
