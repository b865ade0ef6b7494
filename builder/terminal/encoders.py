"""Which encoders there are, and how one compares with its publisher's own files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from builder.terminal.tables import table_of
from builder.terminal.text import LONG, plain, shortened

# Measured on small checkpoints, as differences of the unit vectors.
SCALE = (
    "For comparison: a wrong epsilon in the layer norms costs 4e-04 to 4e-03, wrong slopes of "
    "ALiBi 3e-02, a forgotten LoRA 4e-01. Such an encoder still gives vectors, but not the "
    "published ones."
)


@dataclass(frozen=True, slots=True)
class EncoderRow:
    """An encoder that can be named.

    weights_bytes: its download, 0 if it comes with the package; image_size: pixels of a side;
    here: on this machine; verified: compared with its publisher's files, None if there are none.
    """

    name: str
    licence: str
    weights_bytes: int
    dimensions: int
    image_size: int
    here: bool
    verified: bool | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """How far `n` vectors of one kind are from the publisher's: see `jina.verify.Comparison`."""

    kind: str
    n: int
    largest: float
    smallest_cosine: float
    worst: str


def encoders_table(rows: Sequence[EncoderRow], others: str) -> RenderableType:
    """One row an encoder, and the sentence about what else may be named."""
    columns: dict[str, Callable[[EncoderRow], str]] = {
        "": lambda row: row.name,
        "licence": lambda row: row.licence,
        "download": lambda row: megabytes(row.weights_bytes) if row.weights_bytes else "none",
        "dimensions": lambda row: str(row.dimensions),
        "image": lambda row: f"{row.image_size} px",
        "here": lambda row: _yes_no(row.here),
        "verified": lambda row: _yes_no(row.verified),
    }
    lines = [plain(f"{row.name}: {'; '.join(row.notes)}.", LONG) for row in rows if row.notes]
    table = table_of(rows, columns, right={2, 3, 4})
    return Group(table, Text(), *lines, Text(), Text(others))


def _yes_no(holds: bool | None) -> str:
    return "" if holds is None else "yes" if holds else "no"


def verdict_screen(
    name: str, weights: str, rows: Sequence[DifferenceRow], *, tolerance: float, agrees: bool
) -> RenderableType:
    """The largest differences and what they mean. weights: a sentence about the weights' file."""
    columns: dict[str, Callable[[DifferenceRow], str]] = {
        "": lambda row: row.kind,
        "compared": lambda row: str(row.n),
        "largest difference": lambda row: f"{row.largest:.1e}",
        "smallest cosine": lambda row: f"{row.smallest_cosine:.7f}",
        "where": lambda row: shortened(row.worst, 30),
    }
    lines: list[RenderableType] = [
        Text(f"{shortened(name)} beside its ONNX files", style="bold"),
        plain(weights, LONG),
        Text(),
        table_of(rows, columns, right={1, 2, 3}),
        Text(),
    ]
    apart = [row for row in rows if row.largest > tolerance]
    for row in apart:
        allowed = f"differ by {row.largest:.1e}; {tolerance:.0e} is allowed."
        lines.append(Text(f"The {row.kind} {allowed}"))
    if apart:
        lines.append(Text(SCALE, style="dim"))
    else:
        lines.append(Text(f"No difference exceeds the {tolerance:.0e} that is allowed."))
    lines.append(Text(f"Verdict: {'it agrees' if agrees else 'it does not agree'}.", style="bold"))
    return Group(*lines)


def megabytes(count: int) -> str:
    """E.g. "891 MB", "1.73 GB", as the hub writes sizes."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
