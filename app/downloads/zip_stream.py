"""A zip as a stream whose length is known before its first byte: stored files below one folder, and a manifest."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from zipstream import ZipStream

MANIFEST = "MANIFEST.txt"
MANIFEST_COLUMNS = ("name", "size", "md5", "frame_id")
MD5_HEX_DIGITS = 32
UNSAFE = re.compile(r"[^\w.+@=,() -]")  # separators, control characters, and what Windows has no names with
#: A hidden file, an option of a program, and what a spreadsheet that opens the manifest would calculate.
UNSAFE_IN_FRONT = ". -+=@"


@dataclass
class Member:
    """A file of a zip.

    Attributes
    ----------
    md5
        In hex; empty until the file has gone out, where it is made only then.
    """

    name: str
    frame_id: int
    size: int  # bytes
    read: Callable[[], Iterator[bytes]] = field(repr=False)
    md5: str = ""

    def iter_blocks(self) -> Iterator[bytes]:
        """Yield the content, and know its md5 afterwards."""
        if self.md5:
            yield from self.read()
            return
        md5 = hashlib.md5(usedforsecurity=False)
        for block in self.read():
            md5.update(block)
            yield block
        self.md5 = md5.hexdigest()


def choose_names(filenames: Iterable[str]) -> Iterator[str]:
    """Yield safe names, no two alike even where case, or how an accent is put together, does not count.

    A second ``a.fits`` is ``a-2.fits``.
    """
    taken = {MANIFEST.casefold()}
    for filename in filenames:
        safe = UNSAFE.sub("_", unicodedata.normalize("NFC", filename)).lstrip(UNSAFE_IN_FRONT) or "_"
        stem, dot, extension = safe.partition(".")
        name, number = safe, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}{dot}{extension}"
        taken.add(name.casefold())
        yield name


def build_zip(folder: str, members: Sequence[Member]) -> ZipStream:
    """Return a zip that reads its members when their turn comes.

    The manifest comes first, so that the first byte waits for no store; where an md5 is known only when a file has gone
    out, it comes last.
    """
    zipped = ZipStream(sized=True)
    is_known = all(member.md5 for member in members)
    if is_known:
        zipped.add(build_manifest(members), f"{folder}/{MANIFEST}")
    for member in members:
        zipped.add(member.iter_blocks(), f"{folder}/{member.name}", size=member.size)
    if not is_known:
        zipped.add(_iter_manifest(members), f"{folder}/{MANIFEST}", size=_measure_manifest(members))
    return zipped


def build_manifest(members: Iterable[Member]) -> bytes:
    """Return a table, its columns separated by tabs, that begins with their names."""
    rows = [(member.name, str(member.size), member.md5, str(member.frame_id)) for member in members]
    return "".join("\t".join(row) + "\n" for row in (MANIFEST_COLUMNS, *rows)).encode()


def _iter_manifest(members: Sequence[Member]) -> Iterator[bytes]:
    yield build_manifest(members)


def _measure_manifest(members: Sequence[Member]) -> int:
    return len(build_manifest(members)) + MD5_HEX_DIGITS * sum(not member.md5 for member in members)
