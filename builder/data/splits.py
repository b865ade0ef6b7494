"""Review, held-out and final images: stratified, seeded, and never reshuffled.

review: people and language models may look, suggestions are fitted here. held_out: only its
accuracy is seen; it decides the best version. final: measured once, at export.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Literal

Split = Literal["review", "held_out", "final"]

# Fractions per class. On equal deficits the earlier split is served first, so that the only
# image of a class is held out.
_THREE_WAY: dict[Split, float] = {"held_out": 0.4, "review": 0.4, "final": 0.2}
_TWO_WAY: dict[Split, float] = {"held_out": 0.5, "review": 0.5}
_SMALLEST_MEDIAN_FOR_FINAL = 20


def assign_splits(
    labels_by_digest: Mapping[str, str], existing: Mapping[str, Split] | None = None, *, seed: int
) -> dict[str, Split]:
    """A split for every image: all of `existing` unchanged, and each new digest added.

    Digests in `existing` whose image is gone stay in the result, so that an image which comes
    back returns to its split; they do not count for the quotas.

    40/40/20 per class; 50/50 without a final split when the median class has fewer than 20
    distinct images and no image is in the final split already. Each new image goes where its
    class lacks most. The result depends on the contents and the seed, not on the order of the
    mappings.
    """
    assigned: dict[str, Split] = dict(existing or {})
    quotas = _quotas(labels_by_digest.values(), assigned.values())
    members: defaultdict[str, list[str]] = defaultdict(list)
    for digest, label in labels_by_digest.items():
        members[label].append(digest)
    for digests in members.values():
        counts = Counter(assigned[digest] for digest in digests if digest in assigned)
        new = [digest for digest in digests if digest not in assigned]
        for digest in sorted(new, key=lambda digest: _shuffled(digest, seed)):
            split = max(quotas, key=lambda split: quotas[split] * len(digests) - counts[split])
            assigned[digest] = split
            counts[split] += 1
    return assigned


def _quotas(labels: Iterable[str], assigned: Iterable[Split]) -> dict[Split, float]:
    few = median(Counter(labels).values() or [0]) < _SMALLEST_MEDIAN_FOR_FINAL
    return _TWO_WAY if few and "final" not in assigned else _THREE_WAY


def _shuffled(digest: str, seed: int) -> bytes:
    """A sort key that looks random, yet is the same wherever and in whatever order it is made."""
    return hashlib.sha256(f"{seed}:{digest}".encode()).digest()
