"""Tables in Markdown, and the place between two marks of a document that holds one."""

from collections.abc import Sequence
from pathlib import Path


def build_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, its columns as wide as their texts; the first column is set left, the others right."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    rule = [
        f"{':' if not place else '-'}{'-' * (width - 2)}{':' if place else '-'}" for place, width in enumerate(widths)
    ]
    return "\n".join(f"| {' | '.join(_pad(cells, widths))} |" for cells in (columns, rule, *rows))


def replace_section(document: Path, name: str, text: str) -> None:
    """Write a text into a document, between the comments ``name: begin`` and ``name: end``.

    Raises
    ------
    ValueError
        If the document lacks them.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found_begin, rest = document.read_text().partition(begin)
    _old, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError(f"{document} has no place for the table: write {begin} and {end} into it, a line each.")
    document.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")


def _pad(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *others = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    return [first.strip().ljust(widths[0]), *others]
