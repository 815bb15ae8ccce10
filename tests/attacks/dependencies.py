"""Known holes of the archive's libraries: ``python -m tests.attacks.dependencies`` asks PyPI by pip-audit.

A hole is a failure. Where PyPI can't be reached, or a mirror of it does not know of holes, this says so and passes: the
checks must work on a machine that has no Internet.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from app.reference import PROJECT_DIR

REQUIREMENTS = PROJECT_DIR / "requirements.txt"
PATIENCE_S = 300
PROBE = "itsdangerous"  # one of the libraries: where nothing is known of it, the others are not asked for


def main() -> int:
    """Return 1 if a library has a known hole."""
    pins = [line for line in REQUIREMENTS.read_text().splitlines() if "==" in line]
    for asked in ([pin for pin in pins if pin.startswith(f"{PROBE}==")], pins):
        told, status = judge(ask(asked))
        if "not audited" in told:
            break
    print(told)
    return status


def ask(pins: list[str]) -> str:
    """Return pip-audit's report as JSON; whatever else if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requirements.txt"
        path.write_text("\n".join(pins))
        options = ["--requirement", str(path), "--disable-pip", "--no-deps", "--format", "json", "--timeout", "10"]
        try:
            command = [sys.executable, "-m", "pip_audit", *options]
            return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False).stdout
        except subprocess.TimeoutExpired:
            return ""


def judge(report: str) -> tuple[str, int]:
    """Return what a report says, and 1 if that is a failure."""
    try:
        libraries = json.loads(report)["dependencies"]
    except ValueError:
        return "The dependencies are not audited: PyPI does not answer.", 0
    skipped = [library["name"] for library in libraries if "skip_reason" in library]
    holes = [
        f"{library['name']} {library['version']} has {hole['id']}, mended in {' or '.join(hole['fix_versions'])}."
        for library in libraries
        for hole in library.get("vulns", ())
    ]
    if holes:
        return "\n".join(holes), 1
    if skipped:
        return f"{len(skipped)} dependencies are not audited, PyPI here does not know them: {', '.join(skipped)}.", 0
    return f"{len(libraries)} dependencies have no known hole.", 0


if __name__ == "__main__":
    raise SystemExit(main())
