"""How the bench's figures grow with the archive: a table and a picture from the runs that are kept, and sizes."""

from collections.abc import Mapping, Sequence
from html import escape
from math import log10
from typing import Any

from bench.cases import CASES
from bench.report import build_table

Result = Mapping[str, Any]

ROW_PX, LEFT_PX, PLOT_PX, TOP_PX = 22, 230, 560, 48
SHORTEST_MS, LONGEST_MS = 1, 10_000
COLOURS = ("#1b6ca8", "#d1495b", "#66a182", "#8d5a97")
TICKS_MS = (1, 10, 100, 1000, 10_000)
MOST_RELATIONS = 24


def build_growth(results: Sequence[Result]) -> str:
    """Return the tables of p95 by size, and of what each size takes on disk.

    Parameters
    ----------
    results
        Of runs, the one with the fewest frames first.
    """
    parts = [_build_times(results), *map(_build_sizes, [result for result in results if len(result["sizes"]) > 1])]
    return "\n\n".join(parts)


def draw_growth(results: Sequence[Result]) -> str:
    """Return a picture (SVG): for each case a dot at the p95 of each run, on a logarithmic scale."""
    names = [case.name for case in CASES]
    height_px = TOP_PX + ROW_PX * len(names) + 30
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT_PX + PLOT_PX + 30}" height="{height_px}" '
        'font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    lines += _draw_scale(height_px)
    for place, name in enumerate(names):
        lines += _draw_row(name, TOP_PX + ROW_PX * place + ROW_PX // 2, [_find_p95s(result) for result in results])
    for number, result in enumerate(results):
        x_px = LEFT_PX + 190 * number
        lines.append(f'<circle cx="{x_px}" cy="16" r="5" fill="{COLOURS[number % len(COLOURS)]}"/>')
        lines.append(f'<text x="{x_px + 10}" y="21">{escape(_describe(result))}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _build_times(results: Sequence[Result]) -> str:
    p95s = [_find_p95s(result) for result in results]
    rows = [
        [case.name, *(f"{each[case.name]:.1f}" if case.name in each else "" for each in p95s)]
        for case in CASES
        if any(case.name in each for each in p95s)
    ]
    return build_table(("p95 in ms, one client, the slowest viewer", *map(_describe, results)), rows)


def _find_p95s(result: Result) -> dict[str, float]:
    """Return of each case the p95 with one client, for the viewer for whom it is longest."""
    p95s: dict[str, float] = {}
    for cell in result["cells"]:
        if cell["clients"] == 1 and "ours" in cell:
            p95s[cell["case"]] = max(p95s.get(cell["case"], 0.0), cell["ours"]["p95_ms"])
    return p95s


def _describe(result: Result) -> str:
    database = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[result["database"]]
    return f"{result['frames'] / 1e6:g} M, {database}"


def _build_sizes(result: Result) -> str:
    frames, total = result["frames"], sum(size for _, _, size in result["sizes"])
    rows = [
        [f"`{name}`", "table" if kind == "r" else "index", f"{size / 2**20:,.0f}", f"{size / frames:.1f}"]
        for name, kind, size in result["sizes"][:MOST_RELATIONS]
    ]
    inserted = result["insertion"]
    return (
        f"{_describe(result)}: {total / 2**30:.2f} GiB in all, {total / frames:.0f} bytes a frame. "
        f"{inserted['frames']:,} more frames, with all that hangs on them and all indexes, went in at "
        f"{inserted['per_s']:,} frames/s.\n\n{build_table(('', 'kind', 'MiB', 'bytes a frame'), rows)}"
    )


def _draw_scale(height_px: int) -> list[str]:
    lines = []
    for tick_ms in TICKS_MS:
        x_px = _place(tick_ms)
        lines.append(f'<line x1="{x_px:.1f}" x2="{x_px:.1f}" y1="{TOP_PX}" y2="{height_px - 30}" stroke="#ccc"/>')
        lines.append(f'<text x="{x_px:.1f}" y="{height_px - 10}" text-anchor="middle">{tick_ms:,} ms</text>')
    return lines


def _draw_row(name: str, y_px: int, p95s: Sequence[Mapping[str, float]]) -> list[str]:
    places = [(number, _place(each[name])) for number, each in enumerate(p95s) if name in each]
    lines = [f'<text x="{LEFT_PX - 10}" y="{y_px + 4}" text-anchor="end">{escape(name)}</text>']
    if places:
        ends = [x_px for _, x_px in places]
        lines.append(f'<line x1="{min(ends):.1f}" x2="{max(ends):.1f}" y1="{y_px}" y2="{y_px}" stroke="#999"/>')
    return lines + [
        f'<circle cx="{x_px:.1f}" cy="{y_px}" r="5" fill="{COLOURS[number % len(COLOURS)]}"/>'
        for number, x_px in places
    ]


def _place(milliseconds: float) -> float:
    share = log10(min(max(milliseconds, SHORTEST_MS), LONGEST_MS) / SHORTEST_MS) / log10(LONGEST_MS / SHORTEST_MS)
    return LEFT_PX + share * PLOT_PX
