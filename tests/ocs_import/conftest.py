"""Fixtures: another archive, and the command that copies it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.ocs_import.other_archive import TOKEN, OtherArchive, other_archive


@dataclass
class Copied:
    """What one run of the command said."""

    status: int
    output: str
    report: list[dict[str, Any]]

    @property
    def found(self) -> list[tuple[int, str]]:
        """What could not be copied: the frame's id at the source, and the part."""
        return [(line["frame_id"], line["part"]) for line in self.report]


Copy = Callable[..., Copied]


@pytest.fixture
def other() -> Iterator[OtherArchive]:
    with other_archive() as archive:
        yield archive


@pytest.fixture
def copy(app: Flask, other: OtherArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copy:
    """A function that copies the other archive into the application's, two frames a page."""
    monkeypatch.setenv("OCS_TOKEN", TOKEN)
    report = tmp_path / "import-ocs.jsonl"

    def run(*options: str, app: Flask = app) -> Copied:
        report.unlink(missing_ok=True)
        done = app.test_cli_runner().invoke(args=["import-ocs", other.url, "--page", "2", *options])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        lines = report.read_text().splitlines() if report.exists() else []
        return Copied(done.exit_code, done.output, [json.loads(line) for line in lines])

    return run
