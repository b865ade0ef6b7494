"""System files: round trips, every broken rule with its path, the schema's agreement."""

import copy
import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import InputError
from builder.resources import resource_folder
from builder.system.file import (
    Calibration,
    Confirmation,
    EncoderIdentity,
    Estimate,
    Provenance,
    SystemFile,
    SystemFileError,
    load_system_file,
    parse_system_file,
    write_system_file,
)
from builder.system.model import AttributeSystem, Fitted, Scoring, make_system, scored_texts
from tests.system.test_model import COLOUR, TAIL, systems, texts

positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
scales = st.floats(min_value=0, exclude_min=True, max_value=1e6)
fractions = st.floats(min_value=0, max_value=1)
splits = st.sampled_from(["review", "held_out", "final"])
schema = jsonschema.Draft202012Validator(
    json.loads((resource_folder("systems") / "cotbuild-system.schema.json").read_text("utf-8"))
)


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    n = draw(st.integers(1, 10**6))
    low, high = sorted([draw(fractions), draw(fractions)])
    return Estimate(n=n, correct=draw(st.integers(0, n)), low=low, high=high)


by_split = st.dictionaries(splits, estimates())
provenances = st.builds(
    Provenance,
    created=st.sampled_from(["2025-06-01T12:00:00Z", "2025-06-01T12:00:00.123456+02:00"]),
    cotbuild=st.just("0.1.0"),
    encoder=st.none()
    | st.builds(
        EncoderIdentity, name=texts, revision=texts, fingerprint=texts, logit_scale=positive
    ),
    llm=st.none() | texts,
    data=st.none() | texts,
    crop=st.none() | st.tuples(fractions, fractions, fractions, fractions),
    splits=st.dictionaries(splits, st.lists(texts).map(tuple)),
    accuracy=by_split,
    baselines=st.dictionaries(texts, by_split, max_size=2),
    confirmation=st.none()
    | st.builds(
        Confirmation,
        confirmed=st.booleans(),
        version=st.integers(1, 9),
        against=st.integers(1, 9),
        fixed=st.integers(0, 99),
        broken=st.integers(0, 99),
        p=fractions,
        needed=fractions,
    ),
    held_out_looks=st.integers(0, 9),
    final_looks=st.integers(0, 9),
    versions_tried=st.integers(0, 999),
    note=st.just("no untouched estimate"),
)
files = st.builds(
    SystemFile,
    system=systems(),
    scoring=st.builds(
        Scoring,
        rule=st.sampled_from(["sum", "log", "robust-log"]),
        scale=st.none() | scales,
        weights=st.dictionaries(texts, st.floats(0, 9), max_size=2),
        name_prior=st.floats(0, 9),
        fitted=st.none() | st.just(Fitted(parts=("scale", "weights"), encoder="e", images=3)),
    ),
    calibration=st.none() | st.builds(Calibration, temperature=positive, n=st.integers(1, 10**6)),
    provenance=st.none() | provenances,
)


@given(files)
def test_a_written_file_reads_back_the_same(file: SystemFile) -> None:
    text = write_system_file(file)
    assert parse_system_file(text) == file
    assert text.endswith("}\n")
    # Equal dictionaries may differ in order; the bytes may not.
    assert write_system_file(parse_system_file(text)) == text


@given(files)
def test_a_written_file_follows_the_schema(file: SystemFile) -> None:
    schema.validate(json.loads(write_system_file(file)))


@given(systems())
def test_a_bare_system_is_read(system: AttributeSystem) -> None:
    assert parse_system_file(system.model_dump_json()) == SystemFile(system=system)


def test_what_is_written() -> None:
    rules: dict[str, dict[str, object]] = {
        "Ant δ": {"colour": "red", "tail": None},
        "Bee": {"colour": ["red", "blue"]},
    }
    text = write_system_file(SystemFile(system=make_system("creature", [COLOUR, TAIL], rules)))
    value = json.loads(text)
    assert list(value) == ["version", "system", "scoring", "calibration", "provenance"]
    assert value["version"] == 1
    assert value["scoring"] == {"rule": "sum", "scale": None}
    assert value["calibration"] is None
    assert value["provenance"] is None
    assert value["system"]["rules"] == {
        "Ant δ": {"colour": "red", "tail": None},
        "Bee": {"colour": ["red", "blue"], "tail": None},
    }
    assert "Ant δ" in text


def test_what_may_be_left_out() -> None:
    envelope = {"version": 1, "system": good()["system"]}
    file = parse_system_file("\ufeff" + json.dumps(envelope))
    assert file.scoring == Scoring()
    assert file.calibration is None
    assert file.provenance is None
    schema.validate(envelope)


def good() -> dict[str, Any]:
    """A fresh envelope that uses every part of the format."""
    return copy.deepcopy(
        {
            "version": 1,
            "system": {
                "domain": "creature",
                "groups": [
                    {"name": "colour", "prompt": "It is {}.", "options": ["red", "blue"]},
                    {"name": "tail", "prompt": "Its tail is {}.", "options": ["long", "short"]},
                ],
                "rules": {
                    "Ant": {"colour": "red", "tail": None},
                    "Absol G": {"colour": ["red", "blue"]},
                },
            },
            "scoring": {"rule": "log", "scale": 20},
            "calibration": {"temperature": 0.25, "n": 47},
            "provenance": {
                "created": "2025-06-01T12:00:00+00:00",
                "cotbuild": "0.1.0",
                "encoder": {"name": "m", "revision": "1", "fingerprint": "f", "logit_scale": 9.5},
                "crop": [0.1, 0, 0.9, 1],
                "splits": {"review": ["ab"], "held_out": []},
                "accuracy": {"review": {"n": 4, "correct": 3, "low": 0.3, "high": 0.95}},
                "baselines": {"name": {"review": {"n": 4, "correct": 0, "low": 0, "high": 0.5}}},
                "confirmation": {
                    "confirmed": True,
                    "version": 2,
                    "against": 1,
                    "fixed": 7,
                    "broken": 0,
                    "p": 0.015625,
                    "needed": 0.05,
                },
                "held_out_looks": 2,
            },
        }
    )


MISSING = object()


def changed(path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """The good envelope with one place changed, added, or taken away."""
    envelope = good()
    place: Any = envelope
    for part in path[:-1]:
        place = place[part]
    if value is MISSING:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return envelope


def problems(text: str) -> dict[str, str]:
    with pytest.raises(SystemFileError) as caught:
        parse_system_file(text)
    return {problem.path: problem.message for problem in caught.value.problems}


# Where the good envelope is changed, to what, and the path and a part of the message that follow.
S, P, C = "system", "provenance", "calibration"
BROKEN: list[tuple[tuple[str | int, ...], object, str, str]] = [
    (("version",), MISSING, "version", "should be 1"),
    (("version",), True, "version", "should be 1"),
    (("version",), "1", "version", "should be 1"),
    (("version",), 0, "version", "should be 1"),
    (("version",), 2, "version", "newer cotbuild"),
    (("sistem",), {}, "sistem", "did you mean 'system'?"),
    ((S,), MISSING, "system", "is missing"),
    ((S,), [], "system", "should be an object, it is a list"),
    ((S, "domain"), MISSING, "system.domain", "is missing"),
    ((S, "domain"), 5, "system.domain", "should be text, it is a whole number"),
    ((S, "domain"), "  ", "system.domain", "is empty"),
    ((S, "weights"), [1], "system.weights", "unknown key 'weights' (known: domain"),
    ((S, "groups"), MISSING, "system.groups", "is missing"),
    ((S, "groups"), {}, "system.groups", "should be a list, it is an object"),
    ((S, "groups"), [], "system.groups", "at least 1 group"),
    ((S, "groups", 0), "colour", "system.groups[0]", "should be an object, it is text"),
    ((S, "groups", 0, "name"), MISSING, "system.groups[0].name", "is missing"),
    ((S, "groups", 0, "name"), "", "system.groups[0].name", "is empty"),
    ((S, "groups", 0, "name"), None, "system.groups[0].name", "it is null"),
    ((S, "groups", 0, "optons"), [], "system.groups[0].optons", "did you mean 'options'?"),
    ((S, "groups", 1, "prompt"), "no slot", "system.groups[1].prompt", "exactly one {}"),
    ((S, "groups", 1, "prompt"), 1.5, "system.groups[1].prompt", "it is a decimal number"),
    ((S, "groups", 1, "options"), "long", "system.groups[1].options", "should be a list"),
    ((S, "groups", 1, "options"), ["long"], "system.groups[1].options", "at least 2"),
    ((S, "groups", 0, "options", 0), False, "system.groups[0].options[0]", "true or false"),
    ((S, "groups", 0, "options", 1), " ", "system.groups[0].options[1]", "is empty"),
    ((S, "rules"), MISSING, "system.rules", "is missing"),
    ((S, "rules"), [], "system.rules", "should be an object"),
    ((S, "rules", "Ant"), MISSING, "system.rules", "at least 2 classes, it has 1"),
    ((S, "rules", " "), {}, "system.rules", "a class name is empty"),
    ((S, "rules", "Absol G"), None, 'system.rules["Absol G"]', "should be an object"),
    ((S, "rules", "Absol G", "colour"), 0, 'system.rules["Absol G"].colour', "an option"),
    ((S, "rules", "Ant", "colour"), ["red", None], "system.rules.Ant.colour[1]", "it is null"),
    ((S, "rules", "Ant", "colour"), ["red", "red"], "system.rules.Ant.colour", "named twice"),
    (("scoring",), None, "scoring", "should be"),
    (("scoring", "rule"), "max", "scoring.rule", "'sum', 'log' or 'robust-log'"),
    (("scoring", "scale"), 0, "scoring.scale", "greater than 0"),
    (("scoring", "scale"), "20", "scoring.scale", "valid number"),
    (("scoring", "scale"), 1e7, "scoring.scale", "less than or equal to 1000000"),
    (("scoring", "scale"), True, "scoring.scale", "valid number"),
    (("scoring", "rul"), "sum", "scoring.rul", "did you mean 'rule'?"),
    ((C,), 0.25, "calibration", "should be"),
    ((C, "temperature"), MISSING, "calibration.temperature", "is missing"),
    ((C, "temperature"), 0, "calibration.temperature", "greater than 0"),
    ((C, "temperature"), "hot", "calibration.temperature", "valid number"),
    ((C, "n"), 0, "calibration.n", "greater than or equal to 1"),
    ((C, "temprature"), 1, "calibration.temprature", "did you mean 'temperature'?"),
    ((P,), [], "provenance", "should be"),
    ((P, "created"), MISSING, "provenance.created", "is missing"),
    ((P, "created"), "yesterday", "provenance.created", "pattern"),
    ((P, "creatd"), "", "provenance.creatd", "did you mean 'created'?"),
    ((P, "encoder", "logit_scale"), -1, "provenance.encoder.logit_scale", "greater than 0"),
    ((P, "crop"), [0, 0, 1], "provenance.crop[3]", "is missing"),
    ((P, "crop", 2), 1.5, "provenance.crop[2]", "less than or equal to 1"),
    ((P, "splits", "test"), [], "provenance.splits.test", "'held_out'"),
    ((P, "splits", "review", 0), 7, "provenance.splits.review[0]", "should be text"),
    ((P, "accuracy", "review", "n"), 0, "provenance.accuracy.review.n", "greater than or equal"),
    ((P, "accuracy", "review", "n"), 4.5, "provenance.accuracy.review.n", "integer"),
    (
        (P, "baselines", "name", "review", "high"),
        2,
        "provenance.baselines.name.review.high",
        "less than or equal to 1",
    ),
    ((P, "confirmation", "p"), 1.5, "provenance.confirmation.p", "less than or equal to 1"),
    ((P, "confirmation", "agianst"), 1, "provenance.confirmation.agianst", "'against'?"),
    ((P, "held_out_looks"), -1, "provenance.held_out_looks", "greater than or equal to 0"),
    ((P, "final_looks"), -1, "provenance.final_looks", "greater than or equal to 0"),
]
# The same, for what a JSON Schema cannot say.
BEYOND_SCHEMA: list[tuple[tuple[str | int, ...], object, str, str]] = [
    ((S, "groups", 1, "prompt"), "{} or {}", "system.groups[1].prompt", "it holds 2"),
    ((S, "groups", 1, "name"), "Colour", "system.groups[1].name", "repeats 'colour'"),
    ((S, "groups", 0, "options", 1), "R ED", "system.groups[0].options[1]", "repeats 'red'"),
    ((S, "rules", "Ant", "colour"), "rde", "system.rules.Ant.colour", "did you mean 'red'?"),
    ((S, "rules", "Ant", "clour"), "red", "system.rules.Ant.clour", "did you mean 'colour'?"),
    ((P, "accuracy", "review", "n"), 2, "provenance.accuracy.review", "3 correct of 2 images"),
    ((P, "accuracy", "review", "low"), 0.99, "provenance.accuracy.review", "before it begins"),
]


def test_the_envelope_they_all_start_from_is_good() -> None:
    schema.validate(good())
    file = parse_system_file(json.dumps(good()))
    assert file.scoring == Scoring(rule="log", scale=20)
    assert file.calibration == Calibration(temperature=0.25, n=47)
    assert file.provenance is not None
    assert file.provenance.accuracy["review"].accuracy == 0.75


@pytest.mark.parametrize(("place", "value", "path", "part"), BROKEN + BEYOND_SCHEMA)
def test_each_broken_rule_is_named(
    place: tuple[str | int, ...], value: object, path: str, part: str
) -> None:
    found = problems(json.dumps(changed(place, value)))
    assert part in found[path]


@pytest.mark.parametrize(("place", "value", "path", "part"), BROKEN)
def test_the_schema_refuses_what_the_reader_refuses(
    place: tuple[str | int, ...], value: object, path: str, part: str
) -> None:
    assert not schema.is_valid(changed(place, value)), f"{path}: {part}"


def test_every_problem_is_found_at_once_and_nothing_is_blamed_on_another() -> None:
    envelope = good()
    envelope["system"]["domain"] = ""
    envelope["system"]["groups"][0] = {"nam": "colour", "prompt": "", "options": ["red", 1]}
    envelope["system"]["rules"]["Ant"]["tail"] = 2
    envelope["scoring"]["scale"] = -1
    envelope["provenance"]["encoder"] = "miniature"
    assert list(problems(json.dumps(envelope))) == [
        "system.domain",
        "system.groups[0].name",
        "system.groups[0].prompt",
        "system.groups[0].options[1]",
        "system.groups[0].nam",
        "system.rules.Ant.tail",
        "scoring.scale",
        "provenance.encoder",
    ]


def test_all_that_contradicts_itself_is_found_at_once() -> None:
    envelope = good()
    envelope["system"]["groups"][0] |= {"prompt": "no slot", "options": ["red", "red", "blue"]}
    envelope["system"]["groups"][1]["name"] = "Colour"
    envelope["system"]["rules"]["Ant"]["colour"] = "green"
    envelope["scoring"]["scale"] = -1
    assert list(problems(json.dumps(envelope))) == [
        "system.groups[0].prompt",
        "system.groups[0].options[1]",
        "system.groups[1].name",
        "system.rules.Ant.colour",
        "system.rules.Ant.tail",
        "scoring.scale",
    ]


@pytest.mark.parametrize(
    ("text", "path", "part"),
    [
        ("", "", "empty"),
        ("{", "", "line 1, column 2"),
        ("null", "", "should be an object, it is null"),
        ("[]", "", "should be an object, it is a list"),
        ("{}", "system", "is missing"),
        ('{"domain": "a", "domain": "b"}', "domain", "more than once"),
        ('{"version": 1, "scoring": {"scale": NaN}}', "scoring.scale", "not a finite number"),
        (json.dumps({"domain": "d", "rules": {}, "groups": [1]}), "groups[0]", "an object"),
    ],
)
def test_broken_texts(text: str, path: str, part: str) -> None:
    assert part in problems(text)[path]


def test_a_newer_version_is_the_only_problem_named() -> None:
    assert list(problems('{"version": 7, "sistem": {}}')) == ["version"]


def test_the_message_lists_the_problems_and_stays_readable() -> None:
    envelope = good()
    envelope["system"]["rules"] = {f"c{i}": {"colour": "x" * 10_000} for i in range(99)}
    with pytest.raises(SystemFileError) as caught:
        parse_system_file(json.dumps(envelope), origin="my.json")
    message = caught.value.message
    assert message.startswith("my.json is not a usable system file, 99 problems:\n")
    assert "  system.rules.c0.colour: 'xxx" in message
    assert message.endswith("\n  and 79 more")
    assert len(message) < 5000
    assert len(caught.value.problems) == 99


def test_loading_a_file(tmp_path: Path) -> None:
    path = tmp_path / "Beedrill δ.json"
    file = parse_system_file(json.dumps(good()))
    path.write_bytes(b"\xef\xbb\xbf" + write_system_file(file).encode())
    assert load_system_file(path) == file


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    latin, huge, broken = (tmp_path / name for name in ("latin", "huge", "broken"))
    latin.write_bytes('{"domain": "Pokémon"}'.encode("latin-1"))
    with huge.open("wb") as sparse:
        sparse.truncate(64 * 2**20 + 1)
    broken.write_text("{", encoding="utf-8")
    for path, part in [
        (tmp_path / "none", "there is no system file"),
        (tmp_path, "there is no system file"),
        (latin, "not UTF-8"),
        (huge, "larger than 64 MiB"),
        (broken, f"{broken} is not a usable system file, 1 problem:"),
    ]:
        with pytest.raises(InputError, match=part) as caught:
            load_system_file(path)
        assert caught.value.hint


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_no_record_holds_what_json_cannot(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        EncoderIdentity(name="m", revision="1", fingerprint="f", logit_scale=bad)


@given(systems(), st.floats(-2, 2), st.sampled_from([0.0, 0.5]))
def test_a_centred_file_holds_the_mean_of_every_text(
    system: AttributeSystem, mean: float, prior: float
) -> None:
    plain = Scoring(name_prior=prior)
    means = dict.fromkeys(scored_texts(system, plain), mean)
    file = SystemFile(system=system, scoring=plain.model_copy(update={"means": means}))
    text = write_system_file(file)
    assert parse_system_file(text) == file
    schema.validate(json.loads(text))
    envelope = json.loads(text)
    del envelope["scoring"]["means"][system.phrases()[0]]
    with pytest.raises(SystemFileError) as caught:
        parse_system_file(json.dumps(envelope))
    (problem,) = caught.value.problems
    assert problem.path.startswith("scoring.means")
    assert problem.message == "is missing"
