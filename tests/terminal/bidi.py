"""How a terminal that knows both directions draws a line: the Unicode bidirectional algorithm.

Of its rules (UAX #9) those that a line without explicit embeddings needs, in a paragraph that runs
from left to right, as a terminal's does. Brackets are neutral, as they were before Unicode 6.3.
"""

import unicodedata

_NEUTRAL = frozenset({"B", "S", "WS", "ON", "ES", "ET", "CS", "BN"})


def turned(line: str) -> list[str]:
    """The parts of the line that run from right to left, each drawn as one block."""
    found, part = [], ""
    for character, level in zip(line + "\n", [*_levels(line), 0], strict=True):
        if level:
            part += character
        elif part:
            found.append(part)
            part = ""
    return found


def _levels(line: str) -> list[int]:
    """The level of each character: 0 runs from left to right."""
    kinds: list[str] = []
    strong = "L"
    for character in line:
        kind = unicodedata.bidirectional(character)
        if kind == "NSM":  # W1
            kind = kinds[-1] if kinds else "L"
        strong = kind if kind in {"L", "R", "AL"} else strong
        if kind == "EN" and strong == "AL":  # W2
            kind = "AN"
        kinds.append(kind)
    kinds = ["R" if kind == "AL" else kind for kind in kinds]  # W3
    for at in range(1, len(kinds) - 1):  # W4
        before, kind, after = kinds[at - 1 : at + 2]
        if before == after and (kind, before) in {("ES", "EN"), ("CS", "EN"), ("CS", "AN")}:
            kinds[at] = before
    for way in (1, -1):  # W5
        last = ""
        for at in range(len(kinds))[::way]:
            if kinds[at] == "ET" and last == "EN":
                kinds[at] = "EN"
            last = kinds[at]
    strong = "L"
    for at, kind in enumerate(kinds):  # W7
        strong = kind if kind in {"L", "R"} else strong
        if kind == "EN" and strong == "L":
            kinds[at] = "L"
    return [_level(kinds, at) for at in range(len(kinds))]


def _level(kinds: list[str], at: int) -> int:
    if kinds[at] in _NEUTRAL:  # N1, N2: a neutral runs as both of its neighbours do
        sides = (_side(kinds[at::-1]), _side(kinds[at:]))
        return int(sides == ("R", "R"))
    return {"L": 0, "R": 1, "EN": 2, "AN": 2}[kinds[at]]  # I1


def _side(kinds: list[str]) -> str:
    """The direction on one side of a neutral; numbers count as running from right to left."""
    nearest = next((kind for kind in kinds if kind not in _NEUTRAL), "L")
    return "L" if nearest == "L" else "R"
