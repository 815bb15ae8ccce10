"""The reckoning: what the archive has and tells is held against what was handed over."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.ingest.models import IngestJob, JobState
from tests.faults.evidence import Evidence, hash_file
from tests.faults.files import Product
from tests.faults.ledger import Ledger


@dataclass
class Reckoning:
    """What a night came to."""

    wrong: dict[str, list[str]]  # what must be empty, by its name
    figures: dict[str, object]

    @property
    def is_clean(self) -> bool:
        return not any(self.wrong.values())


def reckon(ledger: Ledger, found: Evidence) -> Reckoning:
    """Hold the archive against the ledger, after the audit and when nothing runs any more."""
    return Reckoning(
        wrong={
            "lost": list(find_lost(ledger, found)),
            "duplicate frames": find_repeated(found.basenames),
            "duplicate versions": find_repeated(version.md5 for version in found.versions),
            "half-written files": list(find_half_written(ledger, found)),
            "orphans after audit": list(find_orphans(found)),
            "broken, and not failed for it": list(find_accepted_though_broken(ledger, found)),
            "good, and failed for good": list(find_failed_though_good(ledger, found)),
            "relations missing": list(find_missing_relations(ledger, found)),
            "answers without a reason": ledger.unreasonable,
            "messages missing": sorted(found.archived - set(found.told)),
            "messages out of order": list(find_disorder(found)),
        },
        figures=count(ledger, found),
    )


def count(ledger: Ledger, found: Evidence) -> dict[str, object]:
    states = Counter(job.state for job in found.jobs)
    return {
        "files": len({product for product, _ in ledger.taken}),
        "submitted": len(ledger.taken),
        "… by door": Counter(door for _, door in ledger.taken),
        "jobs": len(found.jobs),
        "archived": states[JobState.ARCHIVED],
        "already archived": states[JobState.ALREADY_ARCHIVED],
        "failed": states[JobState.FAILED],
        "… by code": Counter(job.error_code for job in found.jobs if job.state == JobState.FAILED),
        "frames with versions": len({version.basename for version in found.versions}),
        "versions": len(found.versions),
        "attempts by outcome": found.attempts,
        "previews": Counter(job.preview_state for job in found.jobs if job.preview_state),
        "messages": len(found.told),
        "… told again": len(found.told) - len(set(found.told)),
    }


def find_lost(ledger: Ledger, found: Evidence) -> Iterator[str]:
    """Yield what was promised and is neither archived nor on the list of failures with its reason."""
    archived, failures = found.archived, Failures(found.jobs)
    for product, door in ledger.taken:
        if product.md5 not in archived and not failures.find(product):
            yield f"{product.path} by {door}"


def find_accepted_though_broken(ledger: Ledger, found: Evidence) -> Iterator[str]:
    archived, failures = found.archived, Failures(found.jobs)
    for product in {product for product, _ in ledger.taken if product.fails_with}:
        codes = {job.error_code for job in failures.find(product)}
        if product.md5 in archived or codes != {product.fails_with}:
            yield f"{product.path} is to fail with {product.fails_with}, and failed with {sorted(codes)}"


def find_failed_though_good(ledger: Ledger, found: Evidence) -> Iterator[str]:
    """Yield the jobs that failed, and still do after the operator's retries, though their files are not broken."""
    failures = Failures(found.jobs)
    broken = {product for product, _ in ledger.taken if product.fails_with}
    expected = {job.id for product in broken for job in failures.find(product)}
    for job in found.jobs:
        if job.state == JobState.FAILED and job.id not in expected:
            yield f"job {job.id}, {job.filename} by {job.door}: {job.error_code} {job.error_message}"


def find_repeated(values: Iterable[str]) -> list[str]:
    return [value for value, times in Counter(values).items() if times > 1]


def find_half_written(ledger: Ledger, found: Evidence) -> Iterator[str]:
    """Yield rows of whose file the store has not the very bytes, and versions of no product."""
    rows = {version.place: version.md5 for version in found.versions} | found.thumbnails
    for place, md5 in rows.items():
        if found.stored.get(place) != md5:
            yield f"{place} holds {found.stored.get(place, 'nothing')}, not {md5}"
    promised = {product.md5 for product, _ in ledger.taken}
    for version in found.versions:
        if version.md5 not in promised:
            yield f"{version.basename}: the version {version.md5} was never handed over"


def find_orphans(found: Evidence) -> Iterator[str]:
    """Yield stored files of no row, and uploads that no failed job keeps."""
    known = {version.place for version in found.versions} | set(found.thumbnails)
    yield from (f"{path} {key}" for path, key in sorted(set(found.stored) - known))
    kept = {job.filepath for job in found.jobs if job.state == JobState.FAILED and job.is_upload}
    yield from (str(path) for path in found.uploads if str(path) not in kept)


def find_missing_relations(ledger: Ledger, found: Evidence) -> Iterator[str]:
    """Yield what a frame's newest header names and the frame is not related to."""
    promised = {product.md5: product for product, _ in ledger.taken}
    newest = {version.basename: promised.get(version.md5) for version in found.versions}
    for basename, product in newest.items():
        if product and product.related and (basename, product.related) not in found.relations:
            yield f"{basename} → {product.related}"


def find_disorder(found: Evidence) -> Iterator[str]:
    """Yield frames of which a later version was told before an earlier one."""
    first = {md5: place for place, md5 in reversed(list(enumerate(found.told)))}
    latest: dict[str, int] = {}
    for version in found.versions:
        place = first.get(version.md5, -1)
        if 0 <= place < latest.get(version.basename, -1):
            yield version.basename
        latest[version.basename] = max(place, latest.get(version.basename, -1))


class Failures:
    """The jobs that stand on the operator's list with their reason."""

    def __init__(self, jobs: Iterable[IngestJob]) -> None:
        self._by_name: dict[str, list[IngestJob]] = {}
        for job in jobs:
            if job.state == JobState.FAILED and job.error_class and job.error_code and job.error_message:
                self._by_name.setdefault(job.filename, []).append(job)

    def find(self, product: Product) -> list[IngestJob]:
        """Return the failed jobs of a product: those of its path, and those that keep an upload of its bytes."""
        return [job for job in self._by_name.get(product.path.name, []) if self._is_of(job, product)]

    def _is_of(self, job: IngestJob, product: Product) -> bool:
        path = Path(job.filepath)
        if job.is_upload:
            return path.exists() and hash_file(path) == product.md5
        return path.parent.name == product.path.parent.name
