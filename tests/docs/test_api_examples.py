"""`docs/api.md` tells the truth: each of its examples runs, and prints what the page shows.

The first block of a language is what each later one goes on from. A `text` block is what a terminal shows of each block
right above it, with nothing between but blank lines. Only the examples below “For operators” are given a token.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from app.processes import PROJECT_DIR
from tests.docs import stock
from tests.live import LiveArchive

PAGE = (PROJECT_DIR / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = list(re.finditer(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
SHOWN = "text"
WITH_TOKEN = "## For operators"
TIMEOUT_S = 60


@dataclass(frozen=True)
class Example:
    """A program of the page, and what it must print; None if the page does not show it."""

    number: str
    language: str
    program: str
    shown: str | None
    has_token: bool

    def __str__(self) -> str:
        return f"{self.number}-{self.language}"


def list_examples() -> Iterator[Example]:
    """Yield the page's examples, each with the first block of its language before it."""
    beginnings: dict[str, str] = {}
    for place, block in enumerate(BLOCKS):
        language, code = block.groups()
        if language in COMMANDS and beginnings.setdefault(language, code) is not code:
            before = PAGE[: block.start()]
            number = re.findall(r"^#+ (\d*)", before, re.MULTILINE)[-1] or "other"
            has_token = re.findall(r"^## .*", before, re.MULTILINE)[-1] == WITH_TOKEN
            yield Example(number, language, beginnings[language] + code, find_shown(place), has_token)


def find_shown(place: int) -> str | None:
    """Return the text that stands below a block, or below others right after it."""
    for above, below in pairwise(BLOCKS[place:]):
        if not is_right_above(above, below):
            return None
        if below[1] == SHOWN:
            return below[2]
    return None


def is_right_above(above: re.Match[str], below: re.Match[str]) -> bool:
    return not PAGE[above.end() : below.start()].strip()


class Reader:
    """Somebody who pastes examples into a terminal, in a folder with their files for each language."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = os.environ | environment

    def paste(self, example: Example) -> str:
        """Run an example, and return what it prints."""
        done = subprocess.run(
            [*COMMANDS[example.language], example.program],
            cwd=self.folder / example.language,
            env=self.environment | ({} if example.has_token else {"TOKEN": ""}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def reader(live_archive: LiveArchive, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    folder = tmp_path_factory.mktemp("reader")
    stock.fill(live_archive, folder / "files")
    for language in COMMANDS:
        shutil.copytree(folder / "files", folder / language)
    live_archive.add_user(stock.ASTRONOMER, proposals=[stock.PROPOSAL])
    account = {"ARCHIVE_USER": stock.ASTRONOMER, "ARCHIVE_PASSWORD": stock.ASTRONOMER}
    return Reader(folder, ARCHIVE=live_archive.url, TOKEN=live_archive.admin_token, **account)


def test_every_block_is_run_or_compared() -> None:
    assert len(re.findall(r"^\s*(?:```|~~~)", PAGE, re.MULTILINE)) == 2 * len(BLOCKS)
    assert {block[1] for block in BLOCKS} == {*COMMANDS, SHOWN}
    texts = [(above, below) for above, below in pairwise(BLOCKS) if below[1] == SHOWN]
    assert [below[2] for above, below in texts if above[1] == SHOWN or not is_right_above(above, below)] == []


@pytest.mark.parametrize("live_archive", [()], indirect=True)
@pytest.mark.parametrize("example", [*list_examples()], ids=str)
def test_an_example_prints_what_is_shown(reader: Reader, example: Example) -> None:
    printed = reader.paste(example)
    if example.shown is not None:
        assert printed == example.shown
