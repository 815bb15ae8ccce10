"""The bench of searches runs from end to end, at its smallest; what its tables hold is tried, but for the times."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import search, search_report

CASES = ("frame by id", "100 newest, with related ids", "facets of a year")
START = (
    "# Performance\n\n<!-- search: begin -->\n<!-- search: end -->\n\n<!-- growth: begin -->\n<!-- growth: end -->\n"
)


@pytest.fixture
def papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the document, in place of the project's."""
    (tmp_path / "performance.md").write_text(START)
    monkeypatch.setattr(search, "DOCUMENT", tmp_path / "performance.md")
    monkeypatch.setattr(search, "MEASUREMENTS", tmp_path / "measurements")
    monkeypatch.setattr(search, "PICTURE", tmp_path / "growth.svg")
    return tmp_path


def test_tables_and_picture_have_each_case_for_each_viewer(papers: Path) -> None:
    options = ["--frames", "2000", "--database", "sqlite", "--seconds", "0.05", "--requests", "4", "--write"]
    chosen = [part for name in CASES for part in ("--case", name)]
    done = CliRunner().invoke(search.main, [*options, *chosen], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (kept,) = (papers / "measurements").iterdir()
    result = json.loads(kept.read_text())
    assert kept.name == "search-sqlite-2000.json"
    cells = {(cell["case"], cell["viewer"], cell["clients"]) for cell in result["cells"]}
    viewers = ("anonymous", "member of 5", "operator")
    assert cells == {(case, viewer, clients) for case in CASES for viewer in viewers for clients in (1, 4)}
    assert len(result["memory"]) == 2
    for cell in result["cells"]:
        assert cell["ours"]["rows"] == {CASES[0]: 1, CASES[1]: 100}.get(cell["case"], cell["ours"]["rows"]) > 0
        assert 0 < cell["ours"]["p50_ms"] <= cell["ours"]["p95_ms"] <= cell["ours"]["p99_ms"]
    text = (papers / "performance.md").read_text()
    assert text.count("| frame by id") == 4  # one of them in the table of growth
    assert "0.002 M, SQLite" in text
    assert text.endswith("<!-- growth: end -->\n")
    assert (papers / "growth.svg").read_text().count("<circle") == 1 + len(CASES)


@pytest.mark.parametrize(
    ("p50_ms", "p95_ms", "clients", "faults"),
    [(19, 20, 1, []), (19, 21, 1, ["slow"]), (21, 21, 1, ["slow", "ratio"]), (19, 21, 4, []), (21, 21, 4, ["ratio"])],
)
def test_what_is_over_its_mark_is_said(p50_ms: int, p95_ms: int, clients: int, faults: list[str]) -> None:
    ours, floor = {"p50_ms": p50_ms, "p95_ms": p95_ms}, {"p50_ms": 10}
    cell = {"case": CASES[1], "clients": clients, "ours": ours, "floor": floor}
    assert search_report.list_faults(cell) == faults


def test_the_papers_have_the_places_for_the_tables() -> None:
    text = search.DOCUMENT.read_text()
    for name in ("search", "growth", "soak"):
        assert f"<!-- {name}: begin -->" in text
