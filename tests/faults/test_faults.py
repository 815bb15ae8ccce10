"""The fault run at a smaller size: a whole archive, and what it leans on, fails and loses nothing."""

import os
import subprocess
import sys

import pytest

from app.processes import PROJECT_DIR
from tests.faults.__main__ import CLEAN, SERVICE_MISSING

PATIENCE_S = 300


@pytest.mark.parametrize(
    "plan",
    [
        "--database postgresql --store s3 --files 80 --faults 15 --seed 1",
        "--database sqlite --store local --files 30 --faults 6 --seed 1 --only disk --only worker",
    ],
)
def test_nothing_is_lost_in_a_bad_night(plan: str) -> None:
    command = [sys.executable, "-m", "tests.faults", *plan.split()]  # a process of its own may mount a small disk
    run = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    if run.returncode == SERVICE_MISSING and os.environ.get("CI") != "true":
        pytest.skip(run.stderr)
    assert run.returncode == CLEAN, run.stdout + run.stderr
