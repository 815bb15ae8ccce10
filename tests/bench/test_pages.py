"""The bench of the search page runs from end to end, at its smallest; what it measures has values, not limits."""

import subprocess
import sys

from app.processes import PROJECT_DIR


def test_each_line_has_a_value() -> None:
    command = [sys.executable, "-m", "bench.pages", *["--frames", "500", "--database", "sqlite", "--rounds", "1"]]
    # A process of its own: Playwright runs once in each.
    done = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if "|" in line]
    values = {what: value for what, value, _ in table[2:]}
    assert len(values) == 7
    assert int(values["requests of it"]) >= 3
    assert all(any(digit in "123456789" for digit in value) for what, value in values.items() if "shift" not in what)
