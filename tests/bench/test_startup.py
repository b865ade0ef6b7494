"""How long `cotbuild --help` takes beside Python's own start and beside importing torch.

Run with: python -m pytest -n 0 -s tests/bench/test_startup.py
"""

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "cotbuild --help": ["-m", "builder", "--help"],
    "import torch": ["-c", "import torch"],
}
ROUNDS = 7


def test_help_is_closer_to_nothing_than_to_torch() -> None:
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    # In turn, so that a change in the machine's speed meets all three.
    for _ in range(ROUNDS):
        for name, arguments in COMMANDS.items():
            begun = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - begun)
    median = {name: statistics.median(taken) for name, taken in seconds.items()}
    bare = median["python -c pass"]
    for name, taken in median.items():
        print(f"{name}: {taken:.3f} s, {taken / bare:.1f} x an empty Python")
    assert median["cotbuild --help"] < median["import torch"]
