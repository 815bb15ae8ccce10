"""The bench of ingest runs from end to end, at its smallest; what its table holds is tried, but for the times."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import ingest

START = "# Performance\n\n<!-- ingest: begin -->\n\nan old table\n\n<!-- ingest: end -->\n\nThe rest.\n"


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "performance.md").write_text(START)
    monkeypatch.setattr(ingest, "DOCUMENT", tmp_path / "performance.md")
    return tmp_path / "performance.md"


def run(*options: str) -> str:
    done = CliRunner().invoke(ingest.main, options, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_table_has_a_row_for_each_case_and_goes_into_the_document(document: Path) -> None:
    output = run("--files", "3", "--size", "100 kB", "--setup", "sqlite-local", "--workers", "1", "--write")
    heading, _, table = output.partition("\n\n")
    assert re.match(r"\d{4}-\d\d-\d\d: 3 files of 100 kB\. \d+ processors", heading)
    names, _rule, ingested, previews = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in table.strip().splitlines()
    ]
    assert names == list(ingest.COLUMNS)
    assert ingested[:3] == ["100 kB", "SQLite, local", "1"]
    per_s, floor_per_s, cpu_ms, floor_ms = map(float, ingested[3:7])
    assert per_s < floor_per_s
    assert cpu_ms > floor_ms > 0
    assert previews[0] == "previews of 100 kB"
    assert float(previews[5]) > 0
    written = document.read_text()
    assert table.strip() in written
    assert "an old table" not in written
    assert written.endswith("<!-- ingest: end -->\n\nThe rest.\n")


def test_the_papers_have_the_place_for_the_table() -> None:
    text = ingest.DOCUMENT.read_text()
    assert text.index("<!-- ingest: begin -->") < text.index(ingest.COLUMNS[5]) < text.index("<!-- ingest: end -->")
