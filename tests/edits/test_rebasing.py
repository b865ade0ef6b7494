"""Edits made to one system, then to another: what fits is kept, what does not is named."""

from hypothesis import given
from hypothesis import strategies as st

from builder.edits.apply import apply
from builder.edits.diff import diff, rebase
from builder.edits.model import AddOption, DropClass, SetRule
from builder.system.model import AttributeGroup, AttributeSystem, make_system
from tests.strategies import THOROUGH, system_pairs, systems

COLOR = AttributeGroup(name="color", prompt="It is {}.", options=("black", "white"))
BASE = make_system(
    "card",
    [COLOR],
    {"Absol": {"color": "black"}, "Mew": {"color": "white"}, "Eevee": {"color": "white"}},
)
PINK = AddOption(group="color", option="pink")


def rule(class_name: str, option: str) -> SetRule:
    return SetRule(class_name=class_name, group="color", options=(option,))


def test_both_changes_are_made() -> None:
    onto = apply(BASE, (rule("Absol", "white"),))
    merged, misfits = rebase((PINK, rule("Mew", "pink")), BASE, onto)
    assert misfits == ()
    assert merged == apply(BASE, (PINK, rule("Mew", "pink"), rule("Absol", "white")))


def test_what_does_not_fit_is_named_and_the_rest_is_made() -> None:
    onto = apply(BASE, (DropClass(class_name="Eevee"),))
    merged, misfits = rebase((PINK, rule("Eevee", "pink"), rule("Mew", "pink")), BASE, onto)
    assert merged == apply(onto, (PINK, rule("Mew", "pink")))
    (misfit,) = misfits
    assert misfit.what == "Eevee · color: white -> pink"
    assert "there is no class 'Eevee'" in misfit.why


@THOROUGH
@given(system_pairs(), st.data())
def test_it_ends_with_a_system_and_loses_no_edit_unsaid(
    pair: tuple[AttributeSystem, AttributeSystem], data: st.DataObject
) -> None:
    base, after = pair
    edits = diff(base, after)
    assert rebase(edits, base, base) == (after, ())
    other = data.draw(systems())
    merged, misfits = rebase(edits, base, other)
    assert len(misfits) <= len(edits)
    assert (merged == other) or len(misfits) < len(edits)
    assert AttributeSystem.model_validate(merged.model_dump()) == merged
