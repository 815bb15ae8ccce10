"""A program that crashes: what it leaves unsaid is an error, and the web server lives on."""

import signal
from contextlib import closing
from pathlib import Path

import pytest

from app.downloads import conversion
from app.downloads.conversion import UNPACKED, Conversion
from app.downloads.stored_files import BrokenStreamError


@pytest.fixture
def crashing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that says what it is told to, and then crashes as a decoder written in C does."""
    program, said = tmp_path / "crashing.py", tmp_path / "said"
    program.write_text(
        f"import os\nos.write(1, open({str(said)!r}, 'rb').read())\nos.kill(os.getpid(), {signal.SIGSEGV})"
    )
    monkeypatch.setattr(conversion, "PROGRAM", program)
    return said


def test_a_crash_at_once_is_told(crashing: Path) -> None:
    crashing.write_bytes(b"")
    with crashing.open("rb") as file, closing(Conversion(UNPACKED, [file, file])) as run:
        assert run.outcomes == [f"the decoder crashed on it (status {-signal.SIGSEGV})"] * 2


def test_a_crash_halfway_breaks_the_stream(crashing: Path) -> None:
    crashing.write_bytes(b"[10]\nhalf")
    with crashing.open("rb") as file, closing(Conversion(UNPACKED, [file])) as run:
        blocks = run.read(10)
        assert next(blocks) == b"half"
        with pytest.raises(BrokenStreamError, match=f"status {-signal.SIGSEGV}"):
            next(blocks)
