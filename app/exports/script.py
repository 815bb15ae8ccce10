"""The shell script that downloads files: what it does stands in `download.sh`, which files in its list."""

import itertools
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from flask import url_for

from app.downloads.zip_stream import choose_names
from app.frames.queries import FoundFrame

TEMPLATE = Path(__file__).with_name("download.sh")
LINKS, LIST = "@LINKS@", "@LIST@"
MOST_SCRIPTED = 100_000  # files; their names are kept while it is written, as no two may be alike


def write_script(batches: Iterable[list[FoundFrame]]) -> Iterator[bytes]:
    """Write the script, with a line for each frame's newest file: its MD5, its size or -, and a safe name."""
    address = shlex.quote(url_for("exports.list_links", _external=True))
    begin, end = TEMPLATE.read_text(encoding="utf-8").replace(LINKS, address).split(LIST)
    yield begin.encode()
    files, twins = itertools.tee(frame for batch in batches for frame in batch if frame.versions)
    for frame, name in zip(files, choose_names(frame.filename for frame in twins), strict=True):
        newest = frame.versions[0]
        yield f"{newest.md5}\t{'-' if newest.size is None else newest.size}\t{name}\n".encode()
    yield end.encode()
