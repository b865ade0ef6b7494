"""What one group of a system contributes, and what that comes to in a few plain words.

The verdict is a pure function of the measures. Its thresholds are conventions with a reason each,
stated here and under `?`; none is fitted to any data.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from builder.information import Repeat, SeenBits
from builder.null_test import SIGNIFICANT, NullTest
from builder.statistics import Change, Proportion

Kind = Literal[
    "carries",
    "misleads",
    "decoration",
    "repeats",
    "few images",
    "few classes",
    "tells few apart",
    "may help",
    "adds nothing",
    "helps little",
]
# A group of whose bits no more than a tenth are its own repeats what is known already.
REPEATS = 0.9
# The bits of a question that nine of ten classes answer alike.
FEW_BITS = 0.469


@dataclass(frozen=True, slots=True)
class Verdict:
    """A kind, and the group that is repeated where the kind is "repeats"."""

    kind: Kind
    repeated: str = ""

    def words(self, spelled: Callable[[str], str] = str) -> str:
        """`spelled`: how the name of a group is written."""
        return f"repeats {spelled(self.repeated)}" if self.repeated else _WORDS[self.kind]


_WORDS: dict[Kind, str] = {
    "carries": "carries the system",
    "misleads": "misleads: better without it",
    "decoration": "decoration",
    "few images": "can't be told: too few images",
    "few classes": "can't be told: too few classes",
    "tells few apart": "tells few classes apart",
    "may help": "may help, or by chance",
    "adds nothing": "adds nothing to the others",
    "helps little": "helps little",
}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What changes if a group is left out, on the images that the system was scored on.

    p: exact McNemar, adjusted for the number of groups (Holm), since every group is tried. It is
    honest as far as these images had no part in choosing the groups: on review images it flatters
    what proposals brought in.
    can_tell: False where p could not be small even if each image changed for the worse.
    """

    change: Change
    p: float
    can_tell: bool

    @property
    def significant(self) -> bool:
        return self.p <= SIGNIFICANT


@dataclass(frozen=True, slots=True)
class GroupReport:
    """What one group of so many options contributes.

    alone: images that this group by itself gets right; where its best option belongs to m classes,
    the image counts 1/m, the expected value of a random pick among them.
    left_out: None for the only group.
    agreement: of the images whose class has a rule here, those whose likeliest option it names.
    bits: entropy of the rules' choice when all classes are equally likely, at most log2 of their
    number. bits_given_others: what is left of it once all other groups are known. Both exact,
    from the rules alone; several options, and none, count as a choice of their own.
    repeats: the other group whose rules tell most of these bits; None where there are no bits or
    no other group.
    seen: what the images' answers tell about the class.
    shuffled: whether the rules fit the images better than shuffled ones.
    """

    name: str
    options: int
    alone: Proportion
    left_out: LeftOut | None
    agreement: Proportion
    bits: float
    bits_given_others: float
    repeats: Repeat | None
    seen: SeenBits
    shuffled: NullTest

    @property
    def without(self) -> Change | None:
        """The change if the group is left out; None for the only group."""
        return self.left_out.change if self.left_out else None

    @property
    def weak(self) -> bool:
        """Whether no fewer images would be correct without it."""
        return self.without is not None and self.without.n > 0 and self.without.points >= 0

    @property
    def verdict(self) -> Verdict:
        """The first that holds, from the strongest evidence to the weakest.

        carries, misleads: without it significantly fewer, or more, images are right. decoration:
        it has no bits, or its rules fit no better than shuffled ones. repeats: another group tells
        nine tenths of its bits beyond chance. few images, few classes: too few for the tests above
        to find anything. tells few apart: fewer bits than a question that nine of ten classes
        answer alike. may help: without it fewer are right, but by chance as easily. adds nothing:
        no fewer are, and the others together tell nine tenths of its bits. helps little: the rest.
        """
        if self.bits == 0:
            return Verdict("decoration")
        if self.left_out is None:
            return self._of_the_only_group()
        if self.left_out.significant:
            return Verdict("carries" if self.left_out.change.points < 0 else "misleads")
        enough = self.left_out.can_tell
        if enough and self.shuffled.can_tell and not self.shuffled.beats:
            return Verdict("decoration")
        if self.repeats and self.repeats.beyond_chance >= REPEATS:
            return Verdict("repeats", self.repeats.group)
        if not enough:
            return Verdict("few images")
        if not self.shuffled.can_tell:
            return Verdict("few classes")
        if self.bits < FEW_BITS:
            return Verdict("tells few apart")
        if not self.weak:
            return Verdict("may help")
        own = self.bits_given_others / self.bits
        return Verdict("adds nothing" if own <= 1 - REPEATS else "helps little")

    def _of_the_only_group(self) -> Verdict:
        if not self.alone.n:
            return Verdict("few images")
        if not self.shuffled.can_tell:
            return Verdict("few classes")
        return Verdict("carries" if self.shuffled.beats else "decoration")

    def words(self) -> str:
        """The report as a sentence."""
        parts = [
            self.verdict.words(),
            f"alone it gets {self.alone.fraction:.0%} of {self.alone.n} images right",
            f"{self.agreement.fraction:.0%} of images look as its rules say",
            f"{self.bits:.1f} bits, {self.bits_given_others:.1f} of them in no other group",
        ]
        if self.without is not None:
            change = f"{self.without.fixed} fixed, {self.without.broken} broken"
            parts.insert(2, f"without it {self.without.points:+.1f} points ({change})")
        return f"{self.name}: {'; '.join(parts)}"
