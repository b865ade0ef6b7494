"""What is stated of the published models."""

import re
from importlib import import_module

import pytest

from builder.encoders.catalog import FAMILIES, KNOWN, Family, known_model, licence_of


def test_a_model_is_found_by_its_name_and_by_its_repository() -> None:
    v1 = known_model("jina-clip-v1")
    assert v1 is not None
    assert v1 is known_model("jinaai/jina-clip-v1")
    assert v1.version == "v1"
    assert known_model("jina-clip-v3") is None
    assert known_model("jina-clip-v1@main") is None


def test_commits_and_digests_are_whole() -> None:
    for model in KNOWN:
        for commit in (model.commit, model.onnx_commit):
            assert re.fullmatch(r"[0-9a-f]{40}", commit)
        assert re.fullmatch(r"[0-9a-f]{64}", model.weights_sha256)
    assert len({model.weights_sha256 for model in KNOWN}) == len(KNOWN)


def test_the_weights_have_room_for_their_parameters() -> None:
    """Parameters of v1 in float32 and of v2 in float16, and a header of a few hundred kB."""
    sizes = {model.version: model.weights_bytes for model in KNOWN}
    assert 0 < sizes["v1"] - 4 * 222_647_041 < 500_000
    assert 0 < sizes["v2"] - 2 * 865_278_477 < 500_000


@pytest.mark.parametrize(
    ("version", "licence"),
    [("v1", "Apache-2.0"), ("v2", "CC-BY-NC-4.0, non-commercial use only")],
)
def test_the_second_version_is_not_for_commerce(version: str, licence: str) -> None:
    assert licence_of(version) == licence


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.module)
def test_every_family_can_be_named_and_located(family: Family) -> None:
    assert callable(import_module(family.module).locate)
    assert family.model_types or family.built_in
