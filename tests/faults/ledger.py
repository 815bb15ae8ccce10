"""What happened and what was promised: every fault, every refusal and every file that was taken, with its time."""

import datetime as dt
import json
import threading
from collections import Counter
from pathlib import Path

from tests.faults.files import Product


class Ledger:
    """Notes, as lines of JSON in a file; what was acknowledged is also kept for the reckoning."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("w", buffering=1)
        self._lock = threading.Lock()
        self.taken: list[tuple[Product, str]] = []  # with the door that took it
        self.faults: Counter[str] = Counter()
        self.unreasonable: list[str] = []  # answers of the archive that name no cause

    def note(self, event: str, **facts: object) -> None:
        line = json.dumps({"time": dt.datetime.now(dt.UTC).isoformat(), "event": event, **facts}, default=str)
        with self._lock:
            self._file.write(f"{line}\n")

    def acknowledge(self, product: Product, door: str, **facts: object) -> None:
        """Note that the archive has taken a file: from now on it answers for it."""
        self.taken.append((product, door))
        self.note("taken", file=product.path, md5=product.md5, door=door, **facts)

    def complain(self, answer: str) -> None:
        """Note an answer that no cause excuses: what is away must be named, so that the sender tries again."""
        self.unreasonable.append(answer)
        self.note("unreasonable", answer=answer)

    def strike(self, fault: str) -> None:
        self.faults[fault] += 1
        self.note("fault", fault=fault)
