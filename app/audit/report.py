"""What an audit says: a line of JSON for each finding and one for the whole, and the same for people."""

import datetime as dt
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from rich.table import Table

from app.audit.comparison import Counts
from app.audit.findings import SETTLED, Finding, Kind, Outcome, Repair
from app.fields import CONTROL_CHARACTERS
from app.times import format_time


@dataclass
class Report:
    """The findings of one audit, counted; each goes to a file, if there is one, as soon as it is known."""

    started: dt.datetime
    file: IO[str] | None
    counts: Counts = field(default_factory=Counts)
    outcomes: Counter[tuple[Kind, Outcome]] = field(default_factory=Counter)

    @property
    def remaining(self) -> int:
        """The number of findings that somebody must still look at."""
        return sum(number for (_, outcome), number in self.outcomes.items() if outcome not in SETTLED)

    @property
    def number(self) -> int:
        """The number of findings."""
        return self.outcomes.total()

    def add(self, finding: Finding, repair: Repair) -> None:
        """Count a finding, and write its line."""
        self.outcomes[finding.kind, repair.outcome] += 1
        self._write(build_line(finding, repair))

    def close(self, error: str | None) -> None:
        """Write the last line; what could not be finished says why."""
        kinds: Counter[str] = Counter()
        for (kind, _), number in self.outcomes.items():
            kinds[kind] += number
        times = {"started": format_time(self.started), "finished": format_time(dt.datetime.now(dt.UTC))}
        found = {**asdict(self.counts), "findings": dict(kinds), "remaining": self.remaining}
        self._write({"summary": {"is_complete": error is None, "error": error, **times, **found}})

    def build_table(self) -> Table:
        """Return the findings, by what is amiss and by what became of them."""
        outcomes = [outcome for outcome in Outcome if any(found == outcome for _, found in self.outcomes)]
        table = Table("finding", *outcomes)
        for kind in Kind:
            numbers = [self.outcomes[kind, outcome] for outcome in outcomes]
            if any(numbers):
                table.add_row(kind, *(str(number or "") for number in numbers))
        return table

    def describe_counts(self) -> str:
        counts = self.counts
        looked_at = f"Versions: {counts.versions}, thumbnails: {counts.thumbnails}, stored files: {counts.files}."
        return f"{looked_at} Findings too young to judge: {counts.too_young}."

    def _write(self, line: dict[str, Any]) -> None:
        if self.file is not None:
            print(json.dumps(line), file=self.file, flush=True)


def build_line(finding: Finding, repair: Repair) -> dict[str, Any]:
    """Return a finding as a JSON object."""
    row, file = finding.row, finding.file
    line: dict[str, Any] = {"finding": finding.kind, "path": finding.path, "detail": finding.detail}
    line |= {"outcome": repair.outcome, "note": repair.note}
    if row is not None:
        line |= {"table": row.model.__tablename__, "id": row.id, "frame_id": row.frame_id, "key": row.key}
    if file is not None:
        line |= {"key": file.key, "size": file.size, "modified": format_time(file.modified)}
    return line


def describe(finding: Finding, repair: Repair) -> str:
    """Return a finding as a line of text."""
    text = f"{finding.kind}: {finding.path} {finding.detail}: {repair.outcome}"
    return CONTROL_CHARACTERS.sub("?", f"{text} ({repair.note})" if repair.note else text)
