"""What viewers get of some frames: the files as they are stored, uncompressed, or their catalogues only."""

import itertools
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from app.downloads.conversion import CATALOG, UNPACKED, Conversion
from app.downloads.queries import StoredVersion
from app.downloads.stored_files import BLOCK_BYTES, AheadReader, fill_in_sizes, open_on_disk
from app.downloads.zip_stream import Member, choose_names
from ocs_archive.storage.filestore import FileStore

log = logging.getLogger(__name__)

COMPRESSED = ".fz"
CATALOGS_AT_ONCE = 10  # files that one run of the program looks into


@dataclass(frozen=True)
class Files:
    """The store, a folder for what has to lie on a disk meanwhile, and what must be closed when all is read."""

    store: FileStore
    folder: Path
    resources: ExitStack

    def take_stored(self, versions: Sequence[StoredVersion]) -> list[Member]:
        """Return files as they are stored, to be read in this order."""
        sized = fill_in_sizes(self.store, versions)
        reader = AheadReader(self.store, sized)
        self.resources.callback(reader.close)
        names = choose_names(version.filename for version in sized)
        return [
            Member(name, version.frame_id, version.size or 0, partial(reader.read, version), version.md5)
            for name, version in zip(names, sized, strict=True)
        ]

    def take_unpacked(self, versions: Sequence[StoredVersion]) -> list[Member]:
        """Return files without tile compression, to be read in this order.

        What was never compressed is given as it is stored, and so is what can't be unpacked: its name says so.
        """
        packed = [version for version in versions if is_compressed(version)]
        outcomes = dict(zip(packed, self.convert(UNPACKED, packed), strict=True))
        stored = [version for version in versions if not isinstance(outcomes.get(version), Member)]
        as_stored = dict(zip(stored, self.take_stored(stored), strict=True))
        members = [as_stored.get(version) or outcomes[version] for version in versions]
        return _rename([member for member in members if isinstance(member, Member)])

    def take_catalogs(self, versions: Sequence[StoredVersion]) -> list[Member]:
        """Return the catalogues of the files that have one, to be read in this order; they wait on the disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        spool = self.resources.enter_context(tempfile.TemporaryFile(dir=self.folder))  # noqa: SIM115 (it is one)
        members: list[Member] = []
        for start in range(0, len(versions), CATALOGS_AT_ONCE):
            with ExitStack() as resources:
                batch = Files(self.store, self.folder, resources)
                found = batch.convert(CATALOG, versions[start : start + CATALOGS_AT_ONCE])
                members += [_spool(member, spool) for member in found if isinstance(member, Member)]
        return _rename(members)

    def convert(self, product: str, versions: Sequence[StoredVersion]) -> list[Member | str]:
        """Make a product of each version; return what to read, in this order, or why there is nothing."""
        if not versions:
            return []
        is_catalog = product == CATALOG
        with ExitStack() as opened:
            files: list[IO[bytes]] = []
            for version in versions:
                closing, file = open_on_disk(self.store, version, self.folder, checked=not is_catalog)
                opened.enter_context(closing)
                files.append(file)
            conversion = Conversion(product, files)
        self.resources.callback(conversion.close)
        outcomes = zip(versions, conversion.outcomes, strict=True)
        return [_build_member(product, version, outcome, conversion) for version, outcome in outcomes]


def is_compressed(version: StoredVersion) -> bool:
    return version.extension.endswith(COMPRESSED)


def _build_member(product: str, version: StoredVersion, outcome: int | str, conversion: Conversion) -> Member | str:
    if isinstance(outcome, str):
        log.warning("nothing made of %s (%s): %s", version.filename, product, outcome)
        return outcome
    name = f"{version.basename}_cat.fits" if product == CATALOG else version.filename.removesuffix(COMPRESSED)
    return Member(name, version.frame_id, outcome, partial(conversion.read, outcome))


def _spool(member: Member, spool: IO[bytes]) -> Member:
    """Write what a member gives to the end of a file; return one that reads it there, and knows its md5."""
    begin = spool.tell()
    for block in member.iter_blocks():
        spool.write(block)
    read = partial(_read_part, spool, begin, member.size)
    return Member(member.name, member.frame_id, member.size, read, member.md5)


def _read_part(spool: IO[bytes], begin: int, size: int) -> Iterator[bytes]:
    spool.seek(begin)
    for offset in itertools.count(0, BLOCK_BYTES):
        if offset >= size:
            return
        yield spool.read(min(BLOCK_BYTES, size - offset))


def _rename(members: list[Member]) -> list[Member]:
    for member, name in zip(members, choose_names([member.name for member in members]), strict=True):
        member.name = name
    return members
