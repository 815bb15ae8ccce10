"""The fault run at a smaller size: a whole archive, and what it leans on, fails and loses nothing."""

import os
import subprocess
import sys

import pytest

from app.processes import PROJECT_DIR
from tests.faults.__main__ import CLEAN, SERVICE_MISSING

PATIENCE_S = 300


# Without the death of the publisher, whose lease lasts a minute, and of RabbitMQ, which starts slowly.
FAULTS = ("worker", "web", "reconciler", "intake", "Redis", "PostgreSQL", "S3", "disk")


@pytest.mark.parametrize(
    ("archive", "size", "kinds"),
    [
        ("--database postgresql --store s3", "--files 40 --faults 9", FAULTS),
        ("--database sqlite --store local", "--files 16 --faults 4", ("worker", "disk")),
    ],
)
def test_nothing_is_lost_in_a_bad_night(archive: str, size: str, kinds: tuple[str, ...]) -> None:
    only = [f"--only={kind}" for kind in kinds]
    # A process of its own may mount a small disk.
    command = [sys.executable, "-m", "tests.faults", *archive.split(), *size.split(), *only]
    run = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    if run.returncode == SERVICE_MISSING and os.environ.get("CI") != "true":
        pytest.skip(run.stderr)
    assert run.returncode == CLEAN, run.stdout + run.stderr
