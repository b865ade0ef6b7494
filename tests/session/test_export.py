"""What the exported file says of where it comes from."""

import pytest

from builder.edits.model import Proposal, RenameClass
from builder.scoring.predict import fit_temperature
from builder.session.export import (
    NO_FINAL,
    NO_IMAGES,
    NOT_LOOKED,
    SEEN,
    calibration_of,
    data_fingerprint,
    estimate,
    export_file,
    exported,
    version_to_export,
)
from builder.session.records import Assigned, Decided, Drafted, Exported, Measured
from builder.session.state import State, advance, fold
from builder.system.file import Estimate, SystemFile
from tests.worlds import DRAFT, GOOD, evaluator, started

LABELS = {"b": "Absol [red]", "a": "Beedrill δ", "c": "Absol [red]"}


def measured_state(*splits: str) -> State:
    return fold(
        [
            started(),
            Assigned.model_validate({"splits": dict(zip(LABELS, splits, strict=True))}),
            Drafted(system=DRAFT, source="test"),
            Measured(version=1, images="x", review="1", held_out="10"),
        ]
    )


def file_of(state: State, final: Estimate | None = None) -> SystemFile:
    return export_file(
        state,
        created="2026-01-01T00:00:00+00:00",
        cotbuild="0",
        encoder=None,
        labels=LABELS,
        calibration=None,
        baselines={},
        final=final,
    )


def test_the_best_version_is_exported_with_its_estimates() -> None:
    state = measured_state("review", "held_out", "final")
    file = file_of(state)
    assert file.system == DRAFT
    provenance = file.provenance
    assert provenance is not None
    assert provenance.accuracy["held_out"] == estimate(1, 2)
    assert provenance.splits == {"held_out": ("a",), "review": ("b",), "final": ("c",)}
    assert provenance.versions_tried == 1
    assert provenance.note == NOT_LOOKED


def test_the_note_tells_what_the_final_estimate_is_worth() -> None:
    no_final = measured_state("review", "held_out", "review")
    provenance = file_of(no_final).provenance
    assert provenance is not None
    assert provenance.note == NO_FINAL
    state = measured_state("review", "held_out", "final")
    look = Exported(path="x", version=1, final="1")
    once = advance(state, look)
    first = file_of(once, estimate(1, 1)).provenance
    assert first is not None
    assert (first.note, first.final_looks) == ("", 1)
    again = file_of(advance(once, look), estimate(1, 1)).provenance
    assert again is not None
    assert (again.note, again.final_looks) == (SEEN, 1)
    other = Exported(path="x", version=2, final="1")
    second = file_of(advance(once, other), estimate(1, 1)).provenance
    assert second is not None
    assert "2 times" in second.note
    assert second.final_looks == 2


def test_without_images_the_working_system_is_exported_as_never_scored() -> None:
    state = fold([started(), Drafted(system=GOOD, source="test")])
    file = export_file(
        state,
        created="2026-01-01T00:00:00+00:00",
        cotbuild="0",
        encoder=None,
        labels={},
        calibration=None,
        baselines={},
        final=None,
    )
    assert file.system == GOOD
    assert file.provenance is not None
    assert file.provenance.note == NO_IMAGES
    assert file.provenance.data is None
    assert exported(state, None, "x") == Exported(path="x", version=0, final=None)
    with pytest.raises(ValueError, match="nothing was drafted"):
        version_to_export(fold([started()]))


def test_an_export_looks_at_the_final_images_of_the_best_version() -> None:
    state = measured_state("review", "held_out", "final")
    record = exported(state, evaluator(final=2), "x")
    images = evaluator(final=2).final_images
    assert record == Exported(path="x", version=1, images=images, final="111100")
    assert evaluator(final=3).final_images != images
    assert exported(state, evaluator(final=0), "x").final is None


def test_confidence_is_fitted_to_the_best_version_on_review_images() -> None:
    state = measured_state("review", "held_out", "final")
    found = calibration_of(state, evaluator(per_class=20))
    assert found is not None
    assert found.n == 60
    scores = evaluator(per_class=20).score(DRAFT, "review")
    assert found == fit_temperature(scores.totals, scores.labels)
    assert calibration_of(state, evaluator(per_class=9)) is None
    never_measured = fold([started(), Drafted(system=GOOD, source="test")])
    assert calibration_of(never_measured, evaluator(per_class=20)) is None


def test_images_of_a_class_that_was_renamed_count_for_its_confidence() -> None:
    renaming = Proposal(
        source="person", reason="", edits=(RenameClass(class_name="Absol [red]", to="Absol"),)
    )
    state = fold(
        [
            started(),
            Drafted(system=GOOD, source="test"),
            Decided(proposal=renaming, decision="accepted", by="person"),
            Measured(version=1, images="x", review="1", held_out="10"),
        ]
    )
    found = calibration_of(state, evaluator(per_class=20))
    assert found is not None
    assert found.n == 60


def test_the_fingerprint_of_the_data_knows_order_from_content() -> None:
    assert data_fingerprint(LABELS) == data_fingerprint(dict(reversed(LABELS.items())))
    assert data_fingerprint(LABELS) != data_fingerprint({**LABELS, "a": "Absol [red]"})
    assert data_fingerprint(LABELS) != data_fingerprint({"a": "Beedrill δ"})


def test_no_images_no_estimate() -> None:
    assert estimate(0, 0) is None


def test_a_recording_is_named_without_the_folders_it_lies_in() -> None:
    state = fold([started(llm="replay:/home/me/secret/llm.jsonl"), Drafted(system=GOOD, source="")])
    provenance = file_of(state).provenance
    assert provenance is not None
    assert provenance.llm == "replay:llm.jsonl"
