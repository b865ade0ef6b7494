"""The library of general attributes, and libraries that are broken."""

import json
from pathlib import Path

import jsonschema
import pytest

from builder.resources import resource_folder
from builder.system.file import GENERAL, SystemFileError, load_groups
from builder.system.names import folded

FOLDER = resource_folder("systems")
GROUP = {"name": "colour", "prompt": "It is {}.", "options": ["red", "blue"]}


def test_the_general_attributes_are_sound_and_agree_with_the_schema() -> None:
    groups = load_groups(FOLDER / GENERAL)
    assert 10 <= len(groups) <= 14
    assert all(6 <= len(group.options) <= 14 for group in groups)
    phrases = [phrase for group in groups for phrase in group.phrases()]
    assert len({folded(phrase) for phrase in phrases}) == len(phrases)
    schema = json.loads((FOLDER / "cotbuild-system.schema.json").read_text("utf-8"))
    library = jsonschema.Draft202012Validator({"$defs": schema["$defs"], "$ref": "#/$defs/library"})
    value = json.loads((FOLDER / GENERAL).read_text("utf-8"))
    library.validate(value)
    with pytest.raises(jsonschema.ValidationError):
        library.validate({**value, "rules": {}})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"groups": [GROUP], "rules": {}}, 'rules: unknown key "rules"'),
        ({"groups": []}, "at least 1 group"),
        ({"groups": [GROUP, GROUP]}, "groups[1].name"),
        ({"groups": [{**GROUP, "options": ["red"]}]}, "groups[0].options"),
        ({"groups": [{**GROUP, "prompt": "It is."}]}, "groups[0].prompt"),
        ([], "an object"),
    ],
)
def test_a_broken_library_is_told_by_its_places(value: object, said: str, tmp_path: Path) -> None:
    path = tmp_path / "library.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(SystemFileError) as raised:
        load_groups(path)
    assert said.replace('"', "'") in str(raised.value).replace('"', "'")
