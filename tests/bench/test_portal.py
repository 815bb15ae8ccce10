"""The bench of the portal runs from end to end, at its smallest; what its table holds is tried, but for the times."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import portal


def test_nobody_else_is_harmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "performance.md"
    document.write_text("<!-- portal: begin -->\nan old table\n<!-- portal: end -->\n")
    monkeypatch.setattr(portal, "DOCUMENT", document)
    done = CliRunner().invoke(portal.main, ["--seconds", "4", "--write"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    *_, table, ratio = document.read_text().split("\n\n")[:-1]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    statuses = {(state, kind): told for state, kind, *_, told in rows}
    assert "503" not in statuses["answers", "anonymous"] + statuses["away", "anonymous"]
    assert "503" in statuses["away", "new portal token"]
    assert ratio.startswith("The p95 of anonymous requests")
