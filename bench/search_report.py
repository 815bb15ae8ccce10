"""The tables of the bench of searches: what a run measured, beside the marks and the OCS archive."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bench.cases import CASES, ZIP_CASES, ZIP_MARK_MS, Case
from bench.report import build_table

Result = Mapping[str, Any]
Cell = Mapping[str, Any]

LONGEST_MS = 150  # p95 of whatever is asked, with one client
BY_ID = CASES[0].name
OCS_BY_ID_PER_S = 46  # with four clients
NOISY = 1.5  # times what the loop takes at best
COLUMNS = (
    *("request", "viewer", "p50", "p95", "p99 ms", "per s", "rows", "kB", "floor p50", "p95 ms", "times p50", "p95"),
    *("4 clients: p50", "p95 ms", "per s", "times p50", "mark", "OCS, 1 M", ""),
)
ZIP = Case("", lambda _draw: ("", {}), ZIP_MARK_MS, "")
BY_NAME = {case.name: case for case in CASES} | {
    f"zip of 100, store {wait_ms} ms": Case("", ZIP.draw, ZIP_MARK_MS, ocs) for wait_ms, ocs in ZIP_CASES.items()
}


def build_report(result: Result) -> str:
    """Return a run's heading, its table, and what the database says of what is over its mark."""
    best_ms = min(cell["loop_ms"] for cell in result["cells"] if cell["loop_ms"])
    lines: dict[tuple[str, str], list[Cell]] = {}
    for cell in result["cells"]:
        lines.setdefault((cell["case"], cell["viewer"]), []).append(cell)
    rows = [_build_row(*cells, best_ms) for cells in lines.values()]
    parts = [_build_heading(result, best_ms), build_table(COLUMNS, rows), _summarise(result)]
    return "\n\n".join([*parts, *_explain(result)])


def is_over(cell: Cell) -> bool:
    """Say whether a cell misses what is asked: its mark, or its ratio to the floor."""
    return bool(list_faults(cell))


def list_faults(cell: Cell) -> list[str]:
    """Return what a cell misses: marks count for one client, ratios for any number."""
    ours, floor, case = cell.get("ours"), cell.get("floor"), BY_NAME.get(cell["case"])
    if not ours or not case:
        return []
    faults = []
    if cell["clients"] == 1 and ours["p95_ms"] > min(case.mark_ms, LONGEST_MS):
        faults.append("slow")
    if floor and ours["p50_ms"] > case.most_times * floor["p50_ms"]:
        faults.append("ratio")
    return faults


def _build_row(alone: Cell, together: Cell, best_ms: float) -> list[str]:
    """Return a line: what one client takes, what four take."""
    case, noise = BY_NAME.get(alone["case"]), max(cell["loop_ms"] for cell in (alone, together)) > NOISY * best_ms
    ours, by_four = alone.get("ours"), together.get("ours")
    row = [alone["case"], alone["viewer"]]
    row += [*_write_ms(ours, "p50_ms", "p95_ms", "p99_ms"), f"{ours['per_s']:.0f}"] if ours else [""] * 4
    row += [f"{ours['rows']:,}", f"{ours['size'] / 1000:.1f}"] if ours else ["", ""]
    row += _write_ms(alone.get("floor"), "p50_ms", "p95_ms") + _write_ratios(alone, "p50_ms", "p95_ms")
    row += [*_write_ms(by_four, "p50_ms", "p95_ms"), f"{by_four['per_s']:.0f}"] if by_four else [""] * 3
    row += _write_ratios(together, "p50_ms") + ([f"{case.mark_ms} ms", case.ocs] if case else ["", ""])
    faults = list_faults(alone) + [f"{fault} of 4" for fault in list_faults(together)]
    return [*row, ", ".join(faults + ["noisy"] * noise)]


def _write_ms(figures: Mapping[str, Any] | None, *names: str) -> list[str]:
    return [_write(figures[name]) if figures else "" for name in names]


def _write_ratios(cell: Cell, *names: str) -> list[str]:
    ours, floor = cell.get("ours"), cell.get("floor")
    return [f"{ours[name] / floor[name]:.2f} ×" if ours and floor else "" for name in names]


def _write(milliseconds: float) -> str:
    return f"{milliseconds:.1f}" if milliseconds < 100 else f"{milliseconds:.0f}"


def _build_heading(result: Result, best_ms: float) -> str:
    loops = [cell["loop_ms"] for cell in result["cells"] if cell["loop_ms"]]
    loaded = f"Loaded in {result['load_s']:.0f} s. " if result["load_s"] else ""
    memory = ", ".join(f"{each['resident']:.0f} ({each['private']:.0f})" for each in result["memory"])
    database = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[result["database"]]
    return (
        f"**{result['frames']:,} frames, {database}.** {result['date']}. {result['machine']}. {result['versions']}. "
        f"{loaded}Its columns were made in {result['start_s']:.0f} s; the web server's processes had "
        f"{memory} MiB in memory at the end (alone). A fixed loop took {best_ms:.0f} ms at best, "
        f"{max(loops):.0f} ms at worst."
    )


def _summarise(result: Result) -> str:
    """Return in a line how many cells miss what is asked."""
    cells = [cell for cell in result["cells"] if cell.get("ours")]
    faults = [fault for cell in cells for fault in list_faults(cell)]
    compared = sum("floor" in cell for cell in cells)
    alone = [cell["ours"]["p95_ms"] for cell in cells if cell["clients"] == 1]
    return (
        f"{faults.count('slow')} of {len(alone)} lines with one client are over their mark, "
        f"{faults.count('ratio')} of {compared} over their ratio to the floor. The longest p95 with one client is "
        f"{_write(max(alone))} ms.{_compare_by_id(cells)}"
    )


def _compare_by_id(cells: Sequence[Cell]) -> str:
    """Return how much more often a frame can be asked for than of the OCS archive."""
    rates = [cell["ours"]["per_s"] for cell in cells if cell["case"] == BY_ID and cell["clients"] > 1]
    if not rates:
        return ""
    return (
        f" Four clients get {min(rates):.0f} frames by id a second, {min(rates) / OCS_BY_ID_PER_S:.0f} × the OCS's 46."
    )


def _explain(result: Result) -> list[str]:
    """Return for each case that is over its mark where its time goes."""
    if not result["explained"]:
        return []
    lines = []
    for name, told in result["explained"].items():
        database_ms = sum(statement["ms"] for statement in told["statements"])
        lines.append(f"{name}: {told['total_ms']:.0f} ms in one process, of which {database_ms:.1f} ms statements")
        for statement in told["statements"]:
            lines.append(f"    {statement['ms']:7.1f} ms  {statement['sql']}")
            lines += [f"                {line}" for line in _shorten(statement.get("plan", []))]
    heading = "What `EXPLAIN (ANALYZE, BUFFERS)` says of what is over its mark, asked as the first viewer:"
    return ["\n".join([heading, "", "```text", *lines, "```"])]


def _shorten(plan: Sequence[str]) -> list[str]:
    """Return of a plan its topmost step with buffers, and its times."""
    first = [re.sub(r"\s+", " ", plan[0])[:150]] if plan else []
    buffers = [line.strip() for line in plan if "Buffers:" in line][:1]
    return first + buffers + [line.strip() for line in plan if line.startswith(("Planning Time", "Execution Time"))]
