"""classify: every image in its order, whatever is between; lists that are still being written."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import pytest
from PIL import Image
from typer.testing import Result

from builder.cli.classify_images import lines_of
from builder.encoders.open import open_encoder
from builder.errors import InputError
from builder.system.file import (
    Calibration,
    EncoderIdentity,
    Provenance,
    SystemFile,
    write_system_file,
)
from builder.system.model import make_system
from tests.cli.conftest import GROUPS, RULES, Job, cotbuild, failed
from tests.cli.pty import Terminal
from tests.worlds import AttributeGroup

HOSTILE = ("[red].png", "a b.png", "δ.png", "*.png", "say \x1b[31mred.png")


@pytest.fixture
def system(job: Job) -> Path:
    """A calibrated system file that says which encoder measured it."""
    groups = [
        AttributeGroup.model_validate({**group, "options": tuple(group["options"])})
        for group in GROUPS["groups"]
    ]
    encoder = open_encoder(str(job.encoder), device="cpu")
    identity = EncoderIdentity(
        name=str(job.encoder),
        revision=encoder.revision,
        fingerprint=encoder.fingerprint,
        logit_scale=encoder.logit_scale,
    )
    file = SystemFile(
        system=make_system("creature", groups, RULES),
        calibration=Calibration(temperature=0.2, n=40),
        provenance=Provenance(created="2026-01-01T00:00:00Z", cotbuild="0", encoder=identity),
    )
    path = job.folder / "system.json"
    path.write_text(write_system_file(file), encoding="utf-8")
    return path


@pytest.fixture
def pictures(job: Job) -> list[str]:
    """Images with names that shells, terminals and pattern matchers stumble over."""
    found = [str(job.folder / name) for name in HOSTILE]
    for number, path in enumerate(found):
        Image.new("RGB", (24, 24), (50 * number, 90, 255 - 50 * number)).save(path)
    return found


def records(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_json_line_for_each_image_in_the_order_given(system: Path, pictures: list[str]) -> None:
    result = cotbuild("classify", system, *reversed(pictures), "--json")
    assert result.exit_code == 0, result.output
    found = records(result)
    assert [each["path"] for each in found] == pictures[::-1]
    for each in found:
        best = each["best"]
        assert isinstance(best, list)
        assert best[0]["class"] == each["class"]
        assert best[0]["confidence"] == each["confidence"]
        assert sum(one["confidence"] for one in best) == pytest.approx(1, abs=1e-4)
        assert each["calibrated"] is True
        seen = each["seen"]
        assert isinstance(seen, dict)
        assert seen.keys() == {"color", "form"}
        assert seen["color"]["option"] in ("red", "blue", "green")
        assert 0 < seen["color"]["probability"] <= 1
        assert "question" not in seen["color"]


def test_bad_files_are_reported_in_their_place_and_the_rest_goes_on(
    system: Path, pictures: list[str], job: Job
) -> None:
    bad = job.folder / "bad.png"
    bad.write_bytes(b"\x89PNG no image")
    names = [pictures[0], str(bad), pictures[1], str(job.folder / "none.png"), pictures[2]]
    result = cotbuild("classify", system, *names, "--json")
    assert result.exit_code == 1
    found = records(result)
    assert [each["path"] for each in found] == names
    assert ["error" in each for each in found] == [False, True, False, True, False]
    assert found[3] == {"path": names[3], "error": "there is no such file"}
    assert "3 images classified, 2 could not be read." in result.stderr

    told = cotbuild("classify", system, *names)
    assert told.exit_code == 1
    assert len(told.stdout.splitlines()) == 3
    assert "there is no such file" in " ".join(told.stderr.split())


def test_folders_and_patterns(system: Path, job: Job) -> None:
    (job.images / "Absol [red]" / ".hidden.png").write_bytes(b"")
    (job.images / "Absol [red]" / "notes.txt").write_text("")
    every = sorted(str(path) for path in job.images.glob("*/[0-9].png"))
    assert len(every) == 24
    whole = cotbuild("classify", system, job.images, "--json")
    assert sorted(str(each["path"]) for each in records(whole)) == every
    pattern = cotbuild("classify", system, f"{job.folder}/**/[0-3].png", "--json")
    assert len(records(pattern)) == 12
    # What was encoded before comes from the cache, and is told the same, but for the last digits.
    sure = {each["path"]: each["confidence"] for each in records(whole)}
    for each in records(pattern):
        assert each["confidence"] == pytest.approx(sure[each["path"]], abs=1e-4)
    one = cotbuild("classify", system, job.images, f"{job.folder}/*.tif", "--json")
    assert one.exit_code == 1
    assert records(one)[-1]["path"] == f"{job.folder}/*.tif"


def test_for_people_a_line_an_image(system: Path, pictures: list[str]) -> None:
    result = cotbuild("classify", system, *pictures)
    lines = result.stdout.splitlines()
    assert len(lines) == len(pictures)
    assert "\x1b" not in result.stdout
    for line, path in zip(lines, pictures, strict=True):
        assert line.startswith(path.replace("\x1b", "\\x1b") + ": ")
        assert line.endswith(" %")
        assert any(f": {name}, " in line for name in RULES)


def test_explained_it_tells_what_was_asked_seen_and_ruled(
    system: Path, pictures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = cotbuild("classify", system, pictures[0], "--explain")
    assert "color: It is {}." in result.stdout
    assert "runner-up: " in result.stdout
    assert result.stdout.count("the rule says") == 2
    (record,) = records(cotbuild("classify", system, pictures[0], "--explain", "--json"))
    seen = record["seen"]
    assert isinstance(seen, dict)
    assert seen["form"]["question"] == "It looks like {}."
    assert seen["form"]["rule"] == [RULES[str(record["class"])]["form"]]
    monkeypatch.setenv("COLUMNS", "40")
    narrow = cotbuild("classify", system, *pictures, "--explain").stdout.splitlines()
    # Paths are for the terminal to wrap.
    assert all(len(line) <= 40 or line.startswith("/") for line in narrow)


def test_a_confidence_that_is_not_calibrated_is_said_to_be(
    system: Path, pictures: list[str]
) -> None:
    result = cotbuild("classify", system, pictures[0], "--crop", "0,0,0.5,1")
    assert result.exit_code == 0
    assert "% (not calibrated)" in result.stdout
    assert "it only ranks" in result.stderr


def test_what_can_not_be_classified_at_all(system: Path, job: Job) -> None:
    (job.folder / "empty").mkdir()
    nothing = ("there is no image to classify", "no image file in this folder")
    failed(cotbuild("classify", system, job.folder / "empty"), 2, *nothing)
    failed(cotbuild("classify", system, job.folder / "*.tif"), 2, "has such a name")
    failed(cotbuild("classify", job.folder / "none.json", job.images), 2, "no system file")
    failed(cotbuild("classify", system, job.images, "--crop", "1,0,0,1"), 2, "crop")
    failed(cotbuild("classify", system, job.images, "--encoder", "no such"), 3, "encoder")
    bare = job.folder / "bare.json"
    bare.write_text(json.dumps(json.loads(system.read_text())["system"]), encoding="utf-8")
    failed(cotbuild("classify", bare, job.images), 2, "--encoder")
    assert cotbuild("classify", system).exit_code == 2


def start(*arguments: object, stdin: int | None = subprocess.PIPE) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "builder", "classify", *map(str, arguments)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def stream_of(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


@pytest.mark.slow
def test_a_list_that_is_still_being_written(system: Path, pictures: list[str]) -> None:
    running = start(system, "-", "--json")
    names, lines = stream_of(running.stdin), stream_of(running.stdout)
    # Each result comes before the next name is known.
    for path in pictures:
        names.write(os.fsencode(path) + b"\n")
        names.flush()
        assert json.loads(lines.readline())["path"] == path
    # A blank line, one from another system, a name that is no UTF-8, and no newline at the end.
    odd = os.fsencode(pictures[0]) + b"-caf\xe9.png"
    Path(os.fsdecode(odd)).write_bytes(Path(pictures[0]).read_bytes())
    last = os.fsencode(pictures[1])
    out, err = running.communicate(b"\n  \n" + last + b"\r\n" + odd + b"\n" + last, timeout=120)
    assert running.returncode == 0, err
    found = [json.loads(line) for line in out.splitlines()]
    assert [os.fsencode(each["path"]) for each in found] == [last, odd, last]
    assert all("error" not in each for each in found)


def listed(content: bytes) -> list[str]:
    """What a list holds that is read from a file descriptor."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return list(lines_of(file.fileno()))


def test_lines_of_a_list() -> None:
    assert listed(b"") == listed(b"\n \n\r\n") == []
    assert listed(b"a.png\nb c.png\r\n\n last") == ["a.png", "b c.png", " last"]
    assert listed("\ufeffδ.png\n".encode()) == ["δ.png"]
    assert os.fsencode(listed(b"caf\xe9.png")[0]) == b"caf\xe9.png"
    many = [f"{number:09}/δ.png" for number in range(30_000)]
    assert listed("\n".join(many).encode()) == many
    with pytest.raises(InputError, match="no list of paths"):
        listed(b"\0" * (3 << 20))


@pytest.mark.slow
def test_a_reader_that_leaves_ends_it_quietly(system: Path, job: Job) -> None:
    """As `cotbuild classify ... | head -n 1` does."""
    with start(system, *[job.images] * 40) as running:
        out = stream_of(running.stdout)
        assert out.readline()
        out.close()
        err = stream_of(running.stderr).read().decode()
    assert running.returncode == 0
    assert "Error" not in err
    assert "Traceback" not in err
    assert "Exception" not in err


def test_an_interrupt_leaves_whole_lines(system: Path, pictures: list[str]) -> None:
    """While it waits for a list that does not go on."""
    with start(system, "-", "--json") as running:
        names, lines = stream_of(running.stdin), stream_of(running.stdout)
        names.write(os.fsencode(pictures[0]) + b"\n")
        names.flush()
        first = lines.readline()
        running.send_signal(signal.SIGINT)
        rest = lines.read()
        err = stream_of(running.stderr).read().decode()
    assert running.returncode == 130, err
    assert json.loads(first)["path"] == pictures[0]
    assert rest == b""
    assert "Stopped." in err
    assert "Fatal" not in err
    assert "Traceback" not in err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_ctrl_c_in_a_terminal(system: Path, job: Job) -> None:
    terminal = Terminal("classify", system, *[job.images] * 200, columns=40)
    terminal.sees("0.png")
    terminal.types("\x03")
    terminal.sees("Stopped.")
    assert terminal.ends() == 130
