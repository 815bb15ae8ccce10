"""Fixtures: an archive that may read the night's folder, and the processes of its doors."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask

from app.processes import PROJECT_DIR, end_with_parent
from tests.fixtures.application import MakeApp

PATIENCE_S = 120.0
WaitUntil = Callable[[Callable[[], object]], None]
StartIntake = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """The folder into which the telescope writes."""
    folder = tmp_path / "night"
    folder.mkdir()
    return folder


@pytest.fixture
def app(make_app: MakeApp, night: Path) -> Flask:
    """The application, which may read the night's folder."""
    return make_app(INGEST_ROOTS=str(night))


@pytest.fixture
def wait_until() -> WaitUntil:
    """A function that returns once something is so."""

    def wait(is_so: Callable[[], object]) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline_s, "It never was."
            time.sleep(0.05)

    return wait


@pytest.fixture
def start_intake(app: Flask) -> Iterator[StartIntake]:
    """A function that starts ``flask intake`` with some arguments, in a process of its own with the test's settings."""
    with ExitStack() as stack:

        def start(*arguments: str, program: tuple[str, ...] = ("-m", "flask", "--app", "wsgi", "intake")) -> object:
            command = [sys.executable, *program, *arguments]
            process = subprocess.Popen(command, cwd=PROJECT_DIR, preexec_fn=end_with_parent)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        yield start
