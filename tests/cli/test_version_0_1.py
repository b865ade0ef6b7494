"""What version 0.1 wrote is still read, and gives the same figures.

The files in tests/fixtures/version_0_1 were written by that version and are never made anew; its
README says what they are. expected.json beside them holds what that version said about them. They
are looked at by the command alone, so that what is inside may be named anew. A later version may
say more than that one did, never something else.
"""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from builder.api import open_encoder
from tests.cli.conftest import cotbuild, lines_of

FIXTURES = Path(__file__).parent.parent / "fixtures" / "version_0_1"
EXPECTED: dict[str, Any] = json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8"))
# Where everything lay when it was made.
MADE_IN = "/tmp/creatures"
SESSIONS = ("finished", "cut_off", "by_hand", "optimised", "version_1")
SYSTEMS = tuple(sorted(path.stem for path in FIXTURES.glob("systems/*.json")))
# Two pictures of each class, one of them often taken for another class.
PICTURES = ("a01", "a16", "b03", "b21", "c02", "c15", "d05", "d09")
# What `classify` writes is rounded to six places.
ROUNDED = 2e-6


@dataclass(frozen=True)
class World:
    """A copy of everything in a folder that a test may write to."""

    folder: Path

    def session(self, name: str) -> Path:
        return self.folder / "sessions" / name

    def system(self, name: str) -> Path:
        return self.folder / "systems" / f"{name}.json"

    @property
    def images(self) -> Path:
        return self.folder / "images"

    def vectors(self) -> bytes:
        """Changes with every vector that has to be computed, which the cache then keeps."""
        (cache,) = (self.folder / "cache").glob("*.sqlite3")
        return hashlib.sha256(cache.read_bytes()).digest()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The surroundings of all tests of the command take the cache from here, too."""
    shutil.copytree(FIXTURES, tmp_path, dirs_exist_ok=True)
    moved(tmp_path)
    return World(tmp_path)


def moved(folder: Path) -> None:
    """Paths lead into the folder, and the vectors are those of the miniature that there is now.

    When the toy encoder is trained anew, what version 0.1 measured is not worth less: only its name
    changes here, so that the vectors of then are used on.
    """
    then, now = EXPECTED["encoder"], open_encoder("miniature")
    names = {
        MADE_IN: json.dumps(str(folder))[1:-1],
        then["fingerprint"]: now.fingerprint,
        then["revision"]: now.revision,
    }
    if then["fingerprint"] != now.fingerprint:
        # The encoder's own scale is another then, too.
        names['"scale": null'] = f'"scale": {then["logit_scale"]}'
    for path in folder.rglob("*"):
        if path.suffix in (".json", ".jsonl") and path.name != "expected.json":
            text = path.read_bytes()
            for old, new in names.items():
                text = text.replace(old.encode(), new.encode())
            path.write_bytes(text)
    if then["fingerprint"] != now.fingerprint:
        (cache,) = (folder / "cache").glob("*.sqlite3")
        name = hashlib.sha256(now.fingerprint.encode()).hexdigest()[:32]
        cache.rename(cache.with_name(f"vectors-{name}.sqlite3"))


def holds(now: object, then: object, at: str = "") -> None:
    """Whatever was said then is said now; a later version may say more of a thing."""
    if isinstance(then, dict):
        assert isinstance(now, dict), at
        for key, value in then.items():
            assert key in now, f"{at}.{key}"
            holds(now[key], value, f"{at}.{key}")
    elif isinstance(then, list):
        assert isinstance(now, list), at
        assert len(now) == len(then), at
        for index, (one, other) in enumerate(zip(now, then, strict=True)):
            holds(one, other, f"{at}[{index}]")
    else:
        assert now == then, at


def said(result: Result, code: int = 0) -> Any:
    """The JSON that the command printed, one value or one a line."""
    assert result.exit_code == code, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines() if line]
    return lines[0] if len(lines) == 1 else lines


# --- What the command says of the files; expected.json was made of these ------------------------


def story(world: World, name: str) -> Any:
    found = said(cotbuild("log", world.session(name), "--json"))
    del found["session"]
    for export in found["exports"]:
        export["path"] = Path(export["path"]).name
    return found


def differences(world: World, name: str) -> dict[str, Any]:
    """The edits from the first version to the best, and from the best to the working system."""
    folder = world.session(name)
    return {
        f"{a} {b}": said(cotbuild("diff", folder, a, b, "--json"))
        for a, b in (("1", "best"), ("best", "now"))
    }


def taken_back(world: World, name: str, kind: str = "undone") -> list[Any]:
    """What leads from version 1 to the working system after each undo (or redo) that there is.

    The journal says it as the review does, with a line more.
    """
    journal = world.session(name) / "session.jsonl"
    line = {"kind": "undone", "of": "last"} if kind == "undone" else {"kind": "redone"}
    found = []
    for _ in range(50):
        with journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        result = cotbuild("diff", world.session(name), "1", "now", "--json")
        if result.exit_code:
            assert (result.exit_code, "nothing to" in result.stderr) == (5, True), result.output
            break
        found.append([proposal["edits"] for proposal in json.loads(result.stdout)])
    return found


def figures(world: World, *files: Path, scale: float | None = None) -> dict[str, Any]:
    """How many images of each split each system, and each way to match names, has right."""
    before = world.vectors()
    flags = ["--images", world.images, "--encoder", "miniature", "--json"]
    scaled = [] if scale is None else ["--scale", scale]
    found = said(cotbuild("score", *files, *flags, *scaled))
    assert world.vectors() == before, "vectors that are in the cache were computed again"
    return {
        part["images"]: {
            row["name"].replace(str(world.folder), ""): [
                row["encoders"]["miniature"]["correct"],
                row["encoders"]["miniature"]["n"],
            ]
            for row in part["rows"]
            if not row["name"].endswith(" at scale 1")
        }
        for part in found["parts"]
    }


def all_figures(world: World) -> dict[str, Any]:
    """Of the sessions' systems, and of those that say nothing of how they are scored."""
    found = {name: figures(world, world.session(name) / "system.json") for name in SESSIONS}
    plain = [world.system(name) for name in ("bare", "article_cot", "article_groups")]
    return {**found, "plain": figures(world, *plain, scale=1)}


def classes(world: World, file: Path) -> list[Any]:
    before = world.vectors()
    pictures = [world.images / f"{name}.png" for name in PICTURES]
    found = said(cotbuild("classify", file, *pictures, "--encoder", "miniature", "--json"))
    assert world.vectors() == before, "vectors that are in the cache were computed again"
    return [{**one, "path": Path(one["path"]).name} for one in found]


def checked(world: World, name: str) -> Any:
    return said(cotbuild("check", world.system(name), "--json"))


# --- The tests ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_tells_its_story(world: World, name: str) -> None:
    journal = (world.session(name) / "session.jsonl").read_bytes()
    holds(story(world, name), EXPECTED["log"][name])
    holds(differences(world, name), EXPECTED["diff"][name])
    assert (world.session(name) / "session.jsonl").read_bytes() == journal


def test_every_kind_of_record_is_in_one_of_the_journals() -> None:
    """Those of version 0.1: what comes later needs fixtures of its own."""
    found = {
        json.loads(line)["kind"]
        for path in FIXTURES.glob("sessions/*/session.jsonl")
        for line in path.read_bytes().split(b"\n")[:-1]
    }
    assert sorted(found) == EXPECTED["kinds"]


@pytest.mark.parametrize("name", ["by_hand", "cut_off"])
def test_everything_can_be_undone_as_far_as_then(world: World, name: str) -> None:
    journal = world.session(name) / "session.jsonl"
    # Half a line at its end is never a record; the next one would be written behind it.
    whole = journal.read_bytes().rpartition(b"\n")
    journal.write_bytes(b"".join(whole[:2]))
    assert taken_back(world, name) == EXPECTED["undone"][name]


def test_what_was_undone_last_can_be_done_again(world: World) -> None:
    assert taken_back(world, "by_hand", "redone") == EXPECTED["redone"]["by_hand"]


def test_systems_score_as_then_and_nothing_is_encoded(world: World) -> None:
    holds(all_figures(world), EXPECTED["figures"])


@pytest.mark.parametrize("name", ["finished", "cut_off", "optimised", "version_1"])
def test_the_figures_are_those_of_the_journal(world: World, name: str) -> None:
    """But for by_hand, where a class has got a name that its images do not have."""
    told = story(world, name)
    best = next(v for v in told["versions"] if v["version"] == told["best"])
    found = figures(world, world.session(name) / "system.json")
    for split, key in (("review", "review"), ("held-out", "held_out")):
        correct, n = found[split][f"/sessions/{name}/system.json"]
        assert (correct, n) == (best[key]["correct"], best[key]["n"])
    for export in told["exports"]:
        correct, n = found["final"][f"/sessions/{name}/system.json"]
        assert (correct, n) == (export["final"]["correct"], export["final"]["n"])


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_of_any_shape_is_checked_as_then(world: World, name: str) -> None:
    holds(checked(world, name), EXPECTED["check"][name])


@pytest.mark.parametrize("name", sorted(EXPECTED["classify"]))
def test_images_get_the_same_classes(world: World, name: str) -> None:
    found = classes(world, world.folder / name)
    for now, then in zip(found, EXPECTED["classify"][name], strict=True):
        assert (now["path"], now["class"]) == (then["path"], then["class"])
        assert now["calibrated"] == then["calibrated"]
        assert now["confidence"] == pytest.approx(then["confidence"], abs=ROUNDED)


def test_a_session_that_was_cut_off_goes_on_by_itself(world: World) -> None:
    folder, before = world.session("cut_off"), story(world, "cut_off")
    vectors = world.vectors()
    text = (folder / "system.edit.yaml").read_bytes()
    torn = (folder / "session.jsonl").read_bytes().rpartition(b"\n")[2]
    assert torn
    result = cotbuild("resume", folder, "--auto", "--json")
    events = said(result)
    assert torn in (folder / "session.jsonl.torn").read_bytes()
    assert "cut off" in result.stderr
    assert (events[-1]["event"], events[-1]["exit_code"]) == ("ended", 0)
    after = story(world, "cut_off")
    assert len(before["versions"]) == 1
    first = {key: told for key, told in before["versions"][0].items() if key != "best"}
    holds(after["versions"][0], first)
    # What was decided already counts for the version that is measured now.
    second = after["versions"][1]
    holds(second["accepted"], before["since"]["accepted"])
    holds(second["rejected"][: len(before["since"]["rejected"])], before["since"]["rejected"])
    # With a miniature of another name, the first version is measured again before.
    measured = {event["version"]: event for event in events if event["event"] == "measured"}
    holds(measured[2], EXPECTED["resumed"]["cut_off"])
    assert world.vectors() == vectors
    # The text that somebody left unfinished is theirs.
    assert (folder / "system.edit.yaml").read_bytes() == text


def test_every_kind_of_edit_in_a_file(world: World) -> None:
    folder, vectors = world.session("cut_off"), world.vectors()
    file = world.folder / "edits.json"
    events = said(cotbuild("resume", folder, "--edits", file, "--json"))
    decided = [event["proposal"] for event in events if event["event"] == "decided"]
    assert [one["edits"] for one in decided] == [
        one["edits"] for one in json.loads(file.read_text(encoding="utf-8"))
    ]
    measured = [event for event in events if event["event"] == "measured"]
    holds(measured[-1], EXPECTED["edited"]["measured"])
    holds(differences(world, "cut_off"), EXPECTED["edited"]["diff"])
    assert world.vectors() == vectors


def test_locks_hold_in_a_session_that_goes_on(world: World) -> None:
    """Version 1 has a rule in the locked group that a search would change at once."""
    folder = world.session("by_hand")
    assert cotbuild("revert", folder, "1").exit_code == 0
    begun = len(lines_of(folder / "session.jsonl"))
    result = cotbuild("optimize", folder, "--max-calls", 200, "--json")
    assert result.exit_code == 0, result.output
    records = lines_of(folder / "session.jsonl")[begun:]
    edits = [
        edit
        for record in records
        if record["kind"] == "decided"
        for edit in record["proposal"]["edits"]  # type: ignore[index]
    ]
    assert edits
    assert all(edit["group"] != "place" for edit in edits)


def test_a_finished_session_has_nothing_more_to_do(world: World) -> None:
    vectors = world.vectors()
    result = cotbuild("resume", world.session("finished"), "--auto", "--llm", "none")
    assert result.exit_code == 0, result.output
    holds(story(world, "finished")["versions"], EXPECTED["log"]["finished"]["versions"])
    assert "Encoding" not in result.stderr
    assert world.vectors() == vectors
