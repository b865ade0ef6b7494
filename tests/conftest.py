"""Shared fixtures: tiny image-text checkpoints, and surroundings without a network."""

import os
import signal
import threading
from pathlib import Path

import pytest

from tests import checkpoints

# Before any test imports the hub's library, which reads this once: no test may go online.
os.environ["HF_HUB_OFFLINE"] = "1"

# Started in the background of a script, Ctrl-C would be ignored by whatever a test starts.
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    and threading.current_thread() is threading.main_thread()
):
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.save_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def clip_that_is_right(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.save_clip(tmp_path_factory.mktemp("right"), checkpoints.RIGHT)


@pytest.fixture(scope="session")
def clip_that_is_wrong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.save_clip(tmp_path_factory.mktemp("wrong"), checkpoints.WRONG)


@pytest.fixture(scope="session")
def clip_that_takes_green_for_blue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.save_clip(tmp_path_factory.mktemp("blue"), checkpoints.GREEN_IS_BLUE)


@pytest.fixture(scope="session")
def siglip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.save_siglip(tmp_path_factory.mktemp("siglip"))


@pytest.fixture(scope="session")
def siglip2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.save_siglip2(tmp_path_factory.mktemp("siglip2"))
