"""A session with everything that a report shows, made in memory, of any size and with any names."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from builder.edits.model import Proposal, RenameOption, SetRule
from builder.report import contents as report
from builder.report.chosen_failures import failures
from builder.report.thumbnails import data_uri
from builder.review.findings import Measurements
from builder.scoring.evaluator import Evaluator, SplitData
from builder.scoring.statistics import Effect
from builder.session.export import exported, version_to_export
from builder.session.records import (
    Assigned,
    ClassInfo,
    Decided,
    Drafted,
    Measured,
    Record,
    Started,
)
from builder.session.state import State, correct_bits, fold
from builder.session.story import Story, story_of
from builder.system.file import EncoderIdentity, SplitName
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system
from tests.chance import chance

# What must stay text wherever it stands: in elements, attributes, titles, addresses and styles.
HOSTILE = (
    "<script>stop()</script>",
    "</script><img src=x onerror=stop()>",
    '" onmouseover="stop()" x=\'',
    "javascript:stop()",
    "<!-- ]]> --> &lt;b&gt; & Co",
    "\x1b[31m and \u202e override",
)
_SHARES: dict[SplitName, float] = {"review": 0.4, "held_out": 0.4, "final": 0.2}


def system_of(names: Sequence[str], groups: int, options: int, words: str = "") -> AttributeSystem:
    """Rules that differ from class to class as long as there are enough of them; `words` stand in
    every name and option."""
    made = [
        AttributeGroup(
            name=f"group {g} {words}",
            prompt=f"{words} It has {{}} there, {g}.",
            options=tuple(f"option {o} of {g} {words}" for o in range(options)),
        )
        for g in range(groups)
    ]
    rng = chance(0)
    rules = {
        name: {group.name: group.options[rng.integers(options)] for group in made} for name in names
    }
    return make_system("creature" if not words else f"creature {words}", made, rules)


class World:
    """Images of a system's classes as vectors, and a session in which the system was improved."""

    def __init__(self, system: AttributeSystem, per_class: int, noise: float, words: str = ""):
        self.system = system
        self._words = words
        self._axes = {phrase: place for place, phrase in enumerate(system.phrases())}
        self._rng = chance(1)
        self.evaluator = Evaluator(
            encoder="sample",
            splits={split: self._split(split, per_class, noise) for split in _SHARES},
            encode=self._encode,
            scoring=Scoring(),
            logit_scale=20.0,
        )

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), len(self._axes)), np.float32)
        for row, text in enumerate(texts):
            if text in self._axes:
                vectors[row, self._axes[text]] = 1
            else:
                seed = sum(text.encode("utf-8", "replace"))
                noise = chance(seed).normal(size=len(self._axes))
                vectors[row] = noise / np.linalg.norm(noise)
        return vectors

    def _split(self, split: SplitName, per_class: int, noise: float) -> SplitData:
        n = round(per_class * _SHARES[split])
        labels = tuple(name for name in self.system.classes for _ in range(n))
        rows = []
        for label in labels:
            chosen = [
                group.phrase(self.system.rules[label][group.name][0])
                for group in self.system.groups
            ]
            row = self._encode(chosen).sum(axis=0)
            rows.append(row + self._rng.normal(scale=noise, size=row.shape))
        vectors = np.array(rows, np.float32).reshape(len(labels), len(self._axes))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        digests = tuple(f"{split}-{place:06}" for place in range(len(labels)))
        return SplitData(digests, labels, vectors)

    def state(self) -> State:
        """What the records add up to."""
        return self.story().state

    def story(self, *more: Record) -> Story:
        """The records as they were written on a day, and `more` of them."""
        records = [*self._records(), *more]
        return story_of((record, "2026-01-01T00:00:00.123+00:00") for record in records)

    def _records(self) -> list[Record]:
        """A draft with a wrong rule, which a proposal corrected; then an export."""
        system = self.system
        group, name = system.groups[0], system.classes[0]
        right = system.rules[name][group.name]
        wrong = next(option for option in group.options if option not in right)
        draft = system.with_rules({name: {**system.rules[name], group.name: (wrong,)}})
        proposal = Proposal(
            edits=(SetRule(class_name=name, group=group.name, options=right),),
            source="data",
            reason=f"its images say so {self._words}",
        )
        rejected = Proposal(
            edits=(RenameOption(group=group.name, option=wrong, to=f"other {self._words}"),),
            source="llm",
        )
        splits = {d: split for split, data in self.evaluator.splits.items() for d in data.digests}
        records = [
            self._started(),
            Assigned(splits=splits),
            Drafted(system=draft, source="sample"),
            self._measured(1, draft),
            Decided(
                proposal=proposal,
                decision="accepted",
                by="person",
                effect=Effect(n=60, fixed=4, broken=1),
            ),
            Decided(
                proposal=rejected,
                decision="rejected",
                by="person",
                reason=f"no better {self._words}",
            ),
            self._measured(2, system),
        ]
        return [*records, exported(fold(records), self.evaluator, "/home/somebody/export.json")]

    def _started(self) -> Started:
        names = self.system.classes
        return Started(
            cotbuild="0.1",
            domain=self.system.domain,
            classes=tuple(ClassInfo(name=name, description=f"{name}!") for name in names),
            images="/home/somebody/private/cards",
            encoder="sample",
            llm=None,
            crop=(0.1, 0.2, 0.9, 0.8),
        )

    def _measured(self, number: int, system: AttributeSystem) -> Measured:
        review, held_out = (
            correct_bits(self.evaluator.score(system, split).correct)
            for split in ("review", "held_out")
        )
        return Measured(
            version=number, images=self.evaluator.images, review=review, held_out=held_out
        )

    def contents(self, *, images: bool = True) -> report.Contents:
        """All that a report tells of this session."""
        state = self.state()
        identity = EncoderIdentity(
            name="sample", revision="1", fingerprint="sample", logit_scale=20.0
        )
        origin = report.Origin(
            made="2026-01-02T03:04:05+00:00",
            cotbuild="0.1",
            last="2026-01-01T01:00:00+00:00",
            encoder=identity if images else None,
            spending="1,234 tokens, $0.12",
            warnings=(f"A warning {self._words}",),
        )
        return report.Contents(
            self.story(), origin, self._measured_contents(state) if images else None
        )

    def _measured_contents(self, state: State) -> report.FromImages:
        version = version_to_export(state)[1]
        assert version is not None
        findings = Measurements(self.evaluator, state.started).of(version.steps[-1], None)
        wrong = failures(findings.review, findings.system)
        pictures = {}
        for number, (_, case) in enumerate(wrong.worst):
            digest = findings.digests[case.index]
            # A file name may be what is no text.
            name = f"folder/{number} {self._words}\ud800.png"
            pictures[digest] = report.Picture(name, data_uri(picture(number)))
        return report.FromImages(findings, wrong, pictures)


def picture(seed: int) -> Image.Image:
    """As much detail as in a photograph: coarse noise, made larger."""
    pixels = chance(seed).integers(0, 256, (40, 30, 3), np.uint8)
    return Image.fromarray(pixels).resize((480, 640), Image.Resampling.BICUBIC)


def small_world() -> World:
    """Four classes, some of whose images go astray."""
    return World(system_of(("Absol [red]", "Mew", "Beedrill δ", "Pichu"), 3, 3), 20, 0.5)


def hostile_world() -> World:
    """Every name, option, reason and file name is one that would run if it were not text."""
    words = " ".join(HOSTILE)
    return World(system_of(HOSTILE, 3, 3, words), 20, 0.5, words)


def large_world() -> World:
    """100 classes with 2,000 images, about half of them wrong."""
    return World(system_of([f"Class {number:03}" for number in range(100)], 10, 8), 20, 1.1)
