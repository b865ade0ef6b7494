"""The journal on disk: what survives a crash, who may write, what is refused."""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from builder.errors import SessionError
from builder.session.journal import (
    BEST,
    JOURNAL,
    Session,
    latest_session,
    read_journal,
    read_state,
)
from builder.session.records import Drafted, Noted, Record
from builder.session.state import advance, fold
from tests.worlds import DRAFT, started

RECORDS: tuple[Record, ...] = (
    started(),
    Drafted(system=DRAFT, source="test"),
    Noted(text='[red] \x1b[31m {} "quoted" é\nsecond line'),
    Noted(text="x" * 10_000),
)


def write(folder: Path, records: tuple[Record, ...] = RECORDS) -> None:
    with Session.create(folder, started()) as session:
        for record in records[1:]:
            session.append(record, advance(session.state, record))


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    write(tmp_path / "new" / "session")
    journal = read_journal(tmp_path / "new" / "session")
    assert journal.records == RECORDS
    moments = [datetime.fromisoformat(time) for time in journal.times]
    assert len(moments) == len(RECORDS)
    assert moments == sorted(moments)
    with Session.open(tmp_path / "new" / "session") as session:
        assert session.state == fold(RECORDS)
        assert session.torn_bytes == 0


def test_a_crash_at_any_byte_of_the_last_line_loses_only_that_line(tmp_path: Path) -> None:
    write(tmp_path)
    whole = (tmp_path / JOURNAL).read_bytes()
    last = len(whole.rstrip(b"\n").rsplit(b"\n", 1)[1]) + 1
    for cut in (1, 2, 5, last // 2, last - 1):
        (tmp_path / JOURNAL).write_bytes(whole[:-cut])
        with Session.open(tmp_path) as session:
            assert session.state == fold(RECORDS[:-1])
            assert session.torn_bytes == last - cut
            torn = (tmp_path / f"{JOURNAL}.torn").read_bytes().splitlines()[-1]
            assert torn == whole[:-cut].splitlines()[-1]
            session.append(RECORDS[-1], advance(session.state, RECORDS[-1]))
        assert read_journal(tmp_path).records == RECORDS


def test_a_damaged_line_in_the_middle_is_an_error_that_names_it(tmp_path: Path) -> None:
    write(tmp_path)
    lines = (tmp_path / JOURNAL).read_bytes().split(b"\n")
    lines[1] = lines[1][:-20]
    (tmp_path / JOURNAL).write_bytes(b"\n".join(lines))
    before = (tmp_path / JOURNAL).read_bytes()
    with pytest.raises(SessionError, match="line 2 is damaged") as error:
        Session.open(tmp_path)
    assert "--start" in error.value.hint
    assert (tmp_path / JOURNAL).read_bytes() == before


def test_a_journal_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    first, rest = (tmp_path / JOURNAL).read_text(encoding="utf-8").split("\n", 1)
    newer = json.dumps({**json.loads(first), "version": 99, "unheard_of": 1})
    (tmp_path / JOURNAL).write_text(f"{newer}\n{rest}", encoding="utf-8")
    with pytest.raises(SessionError, match="newer cotbuild"):
        Session.open(tmp_path)


def test_records_that_contradict_each_other_are_an_error(tmp_path: Path) -> None:
    write(tmp_path)
    with (tmp_path / JOURNAL).open("a", encoding="utf-8") as file:
        file.write('{"kind": "undone"}\n')
    with pytest.raises(SessionError, match="contradicts itself: nothing to undo"):
        read_state(tmp_path)


def test_a_second_session_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(SessionError, match="already holds a session") as error:
        Session.create(tmp_path, started())
    assert "cotbuild resume" in error.value.hint
    assert read_journal(tmp_path).records == RECORDS


def test_a_folder_in_use_says_by_whom(tmp_path: Path) -> None:
    write(tmp_path)
    script = (
        "import sys; from pathlib import Path; from builder.session.journal import Session\n"
        "session = Session.open(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(
            SessionError, match=f"in use by process {process.pid} of .+ on .+, since"
        ) as error:
            Session.open(tmp_path)
        assert "cotbuild log" in error.value.hint
        assert read_state(tmp_path) == fold(RECORDS)
        process.kill()
    # The lock of a killed process is gone with it.
    Session.open(tmp_path).close()
    assert not (tmp_path / "session.owner").exists()


def test_no_session_and_an_empty_journal(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="no session in"):
        Session.open(tmp_path)
    (tmp_path / JOURNAL).touch()
    with pytest.raises(SessionError, match="broken off before it began") as error:
        Session.open(tmp_path)
    assert f"--out {tmp_path}" in error.value.hint
    # Its first line was never acknowledged: the folder is free.
    (tmp_path / JOURNAL).write_bytes(b'{"kind": "sta')
    write(tmp_path)
    assert read_journal(tmp_path).records == RECORDS


def test_a_failed_append_leaves_the_journal_whole(tmp_path: Path) -> None:
    write(tmp_path)
    # A limit on the file size stands in for a full disk: the write fails half-way.
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from builder.errors import SessionError; from builder.session.state import advance\n"
        "from builder.session.records import Noted; from builder.session.journal import Session\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "folder = Path(sys.argv[1]); session = Session.open(folder)\n"
        "size = (folder / 'session.jsonl').stat().st_size\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size + 5000, size + 5000))\n"
        "note = Noted(text='y' * 100_000)\n"
        "try: session.append(note, advance(session.state, note))\n"
        "except SessionError as error: print(error)\n"
        "small = Noted(text='small'); session.append(small, advance(session.state, small))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "can't be used" in done.stdout
    assert read_journal(tmp_path).records == (*RECORDS, Noted(text="small"))


def test_the_latest_session_is_the_one_written_last(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="no session below"):
        latest_session(tmp_path)
    for age, name in enumerate(("sessions/a", "demo/session", "sessions/b")):
        write(tmp_path / name)
        os.utime(tmp_path / name / JOURNAL, (1_000_000 - age, 1_000_000 - age))
    assert latest_session(tmp_path) == tmp_path / "sessions/a"


def test_the_best_system_is_replaced_whole(tmp_path: Path) -> None:
    with Session.create(tmp_path, started()) as session:
        session.save_best("first")
        session.save_best("second")
    assert (tmp_path / BEST).read_text(encoding="utf-8") == "second"
    assert not list(tmp_path.glob(".*"))


def test_a_whole_last_line_of_an_unknown_kind_is_never_thrown_away(tmp_path: Path) -> None:
    write(tmp_path)
    with (tmp_path / JOURNAL).open("a", encoding="utf-8") as file:
        file.write('{"kind": "decided_v2"}\n')
    before = (tmp_path / JOURNAL).read_bytes()
    with pytest.raises(SessionError, match="line 5 is damaged"):
        Session.open(tmp_path)
    assert (tmp_path / JOURNAL).read_bytes() == before


def test_half_a_surrogate_pair_is_stored_and_read_back(tmp_path: Path) -> None:
    with Session.create(tmp_path, started()) as session:
        note = Noted(text="a file name \udc80")
        session.append(note, advance(session.state, note))
    assert read_journal(tmp_path).records[-1] == note
