"""Plays whole sessions with a real endpoint, and sums up what came of them for a bug report.

    python -m tests.live --llm MODEL --llm-url http://localhost:8080/v1

Draws some of the demo's cards, then runs `new --auto`, `resume --auto`, `optimize --optimizer
gepa`, a session by hand and one through paste mode, in a real terminal, with the miniature encoder.
The key is read from OPENAI_API_KEY and is in no output. A hosted model may charge for 20 requests.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pexpect

from builder.demo.card import ART_CROP
from builder.demo.cards import DOMAIN, write_cards
from builder.llm.transcript import read
from builder.session.journal import TRANSCRIPT, read_state

CARDS_PER_CLASS = 12
# The longest that any answer of a slow model on a slow machine takes. Seconds.
PATIENCE = 3600
COTBUILD = [sys.executable, "-m", "builder"]


@dataclass(frozen=True)
class Job:
    """The pictures, the flags that name the model, and where sessions go."""

    folder: Path
    classes: Path
    images: Path
    llm: str
    url: str
    most: int

    @property
    def asking(self) -> list[str]:
        return ["--llm", self.llm, "--llm-url", self.url, "--yes"]

    def new(self, session: str) -> list[str]:
        crop = ",".join(map(str, ART_CROP))
        flags = {"classes": self.classes, "images": self.images, "crop": crop, "domain": DOMAIN}
        flags |= {"encoder": "miniature", "out": self.folder / session}
        return ["new", *(str(each) for name in flags for each in (f"--{name}", flags[name]))]


@dataclass(frozen=True)
class Outcome:
    step: str
    code: int | None
    seconds: float
    last: str

    @property
    def line(self) -> str:
        ended = "timed out" if self.code is None else f"exit code {self.code}"
        return f"{self.step}: {ended}, {self.seconds:.0f} s" + (
            f"; {self.last}" if self.code else ""
        )


def ran(step: str, *arguments: object) -> Outcome:
    """The command without a terminal."""
    began = time.monotonic()
    try:
        done = subprocess.run(
            [*COTBUILD, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return Outcome(step, None, time.monotonic() - began, "")
    last = " ".join(done.stderr.split())[-400:]
    return Outcome(step, done.returncode, time.monotonic() - began, last)


def typed(step: str, arguments: list[str], talk: list[tuple[str, str]]) -> Outcome:
    """The command in a terminal: whenever one of the words is seen, its keys are pressed.

    The pairs of `talk` are tried in their order; one that was answered is not answered again
    unless its words end with an asterisk.
    """
    began = time.monotonic()
    child = pexpect.spawn(
        COTBUILD[0],
        [*COTBUILD[1:], *arguments],
        encoding="utf-8",
        dimensions=(50, 100),
        timeout=PATIENCE,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    left = list(talk)
    try:
        while True:
            waited = [words.rstrip("*") for words, _ in left]
            seen = child.expect_exact([pexpect.EOF, *waited])
            if seen == 0:
                break
            words, keys = left[seen - 1]
            if not words.endswith("*"):
                del left[seen - 1]
            time.sleep(1)
            child.send(keys)
    except pexpect.TIMEOUT:
        child.close(force=True)
        return Outcome(step, None, time.monotonic() - began, " ".join(child.before.split())[-400:])
    child.close()
    return Outcome(step, child.exitstatus, time.monotonic() - began, str(child.before)[-400:])


def pasted(job: Job) -> Outcome:
    """Carries prompts to the endpoint as plain chat, and files with the answers back."""
    session = job.folder / "paste"
    began, answers = time.monotonic(), 0
    child = pexpect.spawn(
        COTBUILD[0],
        [*COTBUILD[1:], *job.new("paste"), "--llm", "paste"],
        encoding="utf-8",
        dimensions=(50, 100),
        timeout=300,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    try:
        while child.expect_exact([pexpect.EOF, "in the editor", "q quit"]) == 1:
            if answers == job.most:
                child.send("q")
                break
            text = chat(job, (session / "prompt.txt").read_text(encoding="utf-8"))
            answers += 1
            path = job.folder / f"answer-{answers}.txt"
            path.write_text(text, encoding="utf-8")
            child.send("f")
            time.sleep(1)
            child.send(f"{path}\r")
        child.send("q")
        child.expect(pexpect.EOF)
    except pexpect.TIMEOUT:
        child.close(force=True)
    child.close()
    last = f"{answers} answers carried"
    return Outcome("paste", child.exitstatus, time.monotonic() - began, last)


def chat(job: Job, prompt: str) -> str:
    """The plain answer of the model, as a chat window shows it."""
    body = {"model": job.llm, "messages": [{"role": "user", "content": prompt}]}
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("OPENAI_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(
        f"{job.url}/chat/completions", json.dumps(body).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return str(json.load(answer)["choices"][0]["message"]["content"] or "")


def told(session: Path) -> list[str]:
    """What the session's journal and transcript say, in lines."""
    lines = []
    if (session / TRANSCRIPT).exists():
        asked = read(session / TRANSCRIPT).exchanges
        modes = Counter(each.mode for each in asked)
        errors = Counter(each.error.split(":")[-1].strip() for each in asked if each.error)
        used = [each.spent for each in asked if each.spent]
        tokens = sum(each.input_tokens for each in used), sum(each.output_tokens for each in used)
        lines.append(
            f"  {len(asked)} requests, {tokens[0]:,} + {tokens[1]:,} tokens; {dict(modes)}"
        )
        lines += [f"  error, {count} times: {error[:200]}" for error, count in errors.items()]
    try:
        state = read_state(session)
    except Exception as error:  # noqa: BLE001
        return [*lines, f"  {error}"]
    lines.append(
        f"  {len(state.versions)} versions, held-out {[each.correct for each in state.versions]}"
    )
    made = Counter(d.decision for d in state.decisions if d.proposal.source == "llm")
    lines.append(f"  proposals of the model decided: {dict(made)}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.live", description=__doc__)
    parser.add_argument("--llm", required=True, help="the model's name")
    parser.add_argument("--llm-url", required=True, help="the endpoint's address")
    parser.add_argument("--calls", type=int, default=4, help="requests of optimize, and of paste")
    parser.add_argument("--out", type=Path, help="folder; default: a temporary one")
    given = parser.parse_args()
    folder = (given.out or Path(tempfile.mkdtemp(prefix="cotbuild-live-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    classes, images = write_cards(folder, CARDS_PER_CLASS)
    job = Job(folder, classes, images, given.llm, given.llm_url.rstrip("/"), given.calls)
    auto, hand = str(folder / "auto"), str(folder / "hand")
    gepa = ["--optimizer", "gepa", "--max-calls", given.calls]
    talk = [
        ("ask the model", "p"),
        ("accept all that help", "a"),
        ("proposals left", "\x1b"),
        ("q quit", "m"),
        ("and go on?", "y"),
        ("q quit", "x"),
        ("Export the best version?", "y"),
        ("q quit", "q"),
    ]
    steps = {
        "new --auto": lambda name: ran(
            name, *job.new("auto"), *job.asking, "--auto", "--rounds", 1
        ),
        "resume --auto": lambda name: ran(name, "resume", auto, "--yes", "--auto", "--rounds", 1),
        "optimize gepa": lambda name: ran(name, "optimize", auto, *gepa, *job.asking),
        "export": lambda name: ran(name, "export", auto),
        "by hand": lambda name: typed(name, [*job.new("hand"), *job.asking], talk),
        "log": lambda name: ran(name, "log", hand),
        "paste": lambda _: pasted(job),
    }
    outcomes = []
    for name, play in steps.items():
        outcomes.append(play(name))
        print(outcomes[-1].line, flush=True)
    used = ("cotbuild", "openai", "instructor")
    packages = ", ".join(f"{package} {version(package)}" for package in used)
    print(f"\n--- Summary, for a bug report: {given.llm}")
    print(f"{packages}, Python {platform.python_version()}")
    for outcome in outcomes:
        print(outcome.line)
    for session in ("auto", "hand", "paste"):
        print(f"{session}:", *told(folder / session), sep="\n")
    print(f"Sessions and transcripts: {folder}")
    sys.exit(any(outcome.code for outcome in outcomes) or None in {o.code for o in outcomes})


if __name__ == "__main__":
    main()
