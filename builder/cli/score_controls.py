"""The null controls of `cotbuild score --controls`: systems and names made meaningless."""

from collections.abc import Sequence
from dataclasses import dataclass

from builder.cli.score_rows import Contender
from builder.cli.workspace import PhraseVectors
from builder.encoders.protocol import Encoder, Vectors
from builder.scoring.controls import WORD_DRAWS, shuffled, with_random_words
from builder.scoring.score import Scores, centred_on, score
from builder.scoring.statistics import Proportion
from builder.system.file import SystemFile
from builder.system.model import scored_texts
from builder.terminal.render import ControlRow

RULES = "rules shuffled: the same questions, with the answers dealt out anew to the classes"
WORDS = "random words: the same rules, with options that say nothing of how a thing looks"
NAMES = "names shuffled: the names dealt out anew to the classes"
# The same draws in every run, so that a figure can be looked up again.
_SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class ImagesAtHand:
    """The images [n, d] and labels that contenders are scored on, and how to encode texts."""

    encoder: Encoder
    images: Vectors
    phrases: PhraseVectors
    labels: Sequence[str]

    def score(self, file: SystemFile) -> Scores:
        """Scores a control, centred on these images: the file has no means for random words."""
        scoring = file.scoring.for_encoder(self.encoder.fingerprint)
        texts = scored_texts(file.system, scoring)
        vectors = self.phrases(texts)
        return score(
            file.system,
            self.images,
            vectors,
            self.labels,
            scoring=centred_on(self.images, texts, vectors, scoring),
            logit_scale=self.encoder.logit_scale,
        )


def controls_of(contender: Contender, scores: Scores, at_hand: ImagesAtHand) -> list[ControlRow]:
    """The controls of a baseline or a system whose scores on the images at hand are known."""
    if contender.file is None:
        return [_row(contender, NAMES, shuffled(scores, seed=_SEED), scores.n)]
    if not contender.main:
        return []
    file = contender.file
    senseless = (
        file.model_copy(update={"system": with_random_words(file.system, seed=_SEED + draw)})
        for draw in range(WORD_DRAWS)
    )
    words = tuple(int(at_hand.score(each).correct.sum()) for each in senseless)
    return [
        _row(contender, RULES, shuffled(scores, seed=_SEED), scores.n),
        _row(contender, WORDS, words, scores.n),
    ]


def _row(contender: Contender, control: str, correct: Sequence[int], n: int) -> ControlRow:
    mean = Proportion(sum(correct) / len(correct), n)
    interval, ends = mean.interval, (min(correct), max(correct))
    return ControlRow(contender.title, control, len(correct), mean.count, n, *interval, *ends)
