"""Names that were meant, though not letter by letter: case, blanks, quotes, forms of Unicode."""

import unicodedata
from collections.abc import Iterable, Mapping

_PLAIN = str.maketrans(
    dict.fromkeys("‘’‚‛′`´ʼ", "'") | dict.fromkeys("“”„‟″«»", '"') | dict.fromkeys("‐‑‒–—−", "-")
)


def likeness(text: str) -> str:
    """A key that is the same for spellings of a name that differ in nothing a reader would mind."""
    # Quotes first: NFKC takes some of them apart into a blank and an accent. Once more afterwards,
    # because folding the case can compose characters anew.
    plain = unicodedata.normalize("NFKC", text.translate(_PLAIN)).translate(_PLAIN)
    return unicodedata.normalize("NFKC", "".join(plain.split()).casefold())


def unambiguous(names: Iterable[str]) -> Mapping[str, str]:
    """Likeness -> name; two names that are alike are both left out."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for name in names:
        key = likeness(name)
        if found.setdefault(key, name) != name:
            twice.add(key)
    return {key: name for key, name in found.items() if key not in twice}
