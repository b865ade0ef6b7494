"""`rebase`: edits that were made to one system, made to another that has changed meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass

from builder.applying import EditError, apply
from builder.describing import describe
from builder.edits import Edit
from builder.system import AttributeSystem


@dataclass(frozen=True, slots=True)
class Misfit:
    """An edit that does not fit: what it would have done, in one line, and why it can't."""

    what: str
    why: str


def rebase(
    edits: Sequence[Edit], base: AttributeSystem, onto: AttributeSystem
) -> tuple[AttributeSystem, tuple[Misfit, ...]]:
    """`onto` with all edits, which were made to `base`; or with those that fit, and the others.

    Where not all fit together, each is tried by itself on what those before have made of `onto`.
    """
    try:
        return apply(onto, edits), ()
    except EditError:
        pass
    misfits = []
    for edit in edits:
        try:
            onto = apply(onto, (edit,))
        except EditError as error:
            misfits.append(Misfit(describe(edit, base), error.message))
    return onto, tuple(misfits)
