"""Which spellings mean the same name: in a system, in a model's answer, in image data.

Each is a key: names with the same key are the same. They differ in how much they forgive, because
what a system tells apart, a reader may not.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

# What people and programs type for one and the same sign.
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′‵ʹʼ`´＇", "'"),
        **dict.fromkeys("“”„‟″‶«»＂", '"'),
        **dict.fromkeys("‐‑‒–—―−﹘﹣－", "-"),
    }
)


def exact(name: str) -> str:
    """A name in Unicode NFC, for systems differ in how they store accents."""
    return unicodedata.normalize("NFC", name)


def folded(text: str) -> str:
    """The key by which options of a system are the same: no case, no white space."""
    return "".join(text.split()).casefold()


def normal_form(name: str) -> str:
    """The key by which a label of image data is a class: no case, typography or extra spacing.

    Compatible characters (NFKC), letter case, the kinds of apostrophes, quotes and dashes, `&` and
    `and`, and the amount of white space make no difference; any other character does.
    """
    return " ".join(re.sub(r"\s*&\s*", " and ", _typed(name)).split())


def likeness(text: str) -> str:
    """The key by which an answer's name is a known one: no case, typography or spacing."""
    return "".join(_typed(text).split())


def unambiguous(names: Iterable[str]) -> Mapping[str, str]:
    """Names by their likeness; two names that are alike are both left out."""
    names = tuple(dict.fromkeys(names))
    times = Counter(map(likeness, names))
    return {key: name for name in names if times[key := likeness(name)] == 1}


def _typed(text: str) -> str:
    """The text as on a typewriter; twice, for folding the case can compose characters anew."""
    return _typed_once(_typed_once(exact(text)))


def _typed_once(text: str) -> str:
    # Signs before NFKC, which takes some of them apart, and after, when others have become signs.
    text = unicodedata.normalize("NFKC", text.translate(_SIGNS)).casefold()
    return unicodedata.normalize("NFKC", text).translate(_SIGNS)
