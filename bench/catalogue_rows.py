"""The made-up catalogue as rows of the archive's tables, some at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.catalogue import Catalogue, Floats, Ints
from bench.observatory import (
    FILTERS,
    INSTRUMENT_NAMES,
    KINDS,
    SITES,
    TARGETS,
    TELESCOPE_NAMES,
    name_proposals,
    name_target,
)

Row = tuple[Any, ...]

CHUNK = 100_000  # frames made at a time
SECOND_VERSION_SHARE = 0.05
EXTENSION = ".fits.fz"
DITHER_DEG = 0.03  # how far from its target a frame points at most
FIRST_REQUEST, FIRST_OBSERVATION = 1_000_000, 10_000_000
FRAME_COLUMNS = (
    *("id", "basename", "observation_date", "observation_day", "proposal_id", "instrument_id", "target_name"),
    *("target_name_ascii", "reduction_level", "site_id", "telescope_id", "exposure_time", "primary_optical_element"),
    *("public_date", "configuration_type", "observation_id", "request_id", "area", "created", "modified"),
)
VERSION_COLUMNS = ("id", "frame_id", "key", "md5", "extension", "size", "store_path", "file_fault", "created")


@dataclass(frozen=True)
class Chunk:
    """Some frames, as rows of the tables; an area is a flat tuple of five (RA, Dec), times are texts."""

    frames: list[Row]
    versions: list[Row]
    headers: list[Row]
    related: list[Row]


def make_chunks(catalogue: Catalogue) -> Iterator[Chunk]:
    """Make all rows, the oldest first."""
    names = _Names([name_target(number) for number in range(TARGETS)], name_proposals())
    for begin in range(0, catalogue.size, CHUNK):
        yield _make_chunk(catalogue, names, begin, min(begin + CHUNK, catalogue.size))


@dataclass(frozen=True)
class _Names:
    targets: list[str]
    proposals: list[str]


def _make_chunk(catalogue: Catalogue, names: _Names, begin: int, end: int) -> Chunk:
    taken, of = catalogue.exposures, catalogue.exposure_of[begin:end]
    ids = range(begin + 1, end + 1)
    kinds = [KINDS[kind] for kind in taken.kind[of]]
    levels = np.where(catalogue.is_reduced[begin:end], 91, 0).tolist()
    nights = taken.night[of].astype("datetime64[D]").astype(str).tolist()
    sites = [SITES[site] for site in catalogue.site_of_instrument[taken.instrument[of]]]
    telescopes = catalogue.telescope_of_instrument[taken.instrument[of]].tolist()
    instruments = [INSTRUMENT_NAMES[instrument] for instrument in taken.instrument[of]]
    basenames = [
        f"{site}{TELESCOPE_NAMES[telescope][:3]}{telescope + 1:02}-{instrument}-{night.replace('-', '')}-{number:04}-"
        f"{kind.letter}{level:02}"
        for site, telescope, instrument, night, number, kind, level in zip(
            sites, telescopes, instruments, nights, taken.sequence[of].tolist(), kinds, levels, strict=True
        )
    ]
    times = (taken.begin_s[of], catalogue.public_s[of], catalogue.arrival_s[begin:end])
    observed, released, arrived = map(_to_text, times)
    proposals = [names.proposals[proposal] for proposal in taken.proposal[of]]
    targets = [names.targets[target] if target >= 0 else "" for target in taken.target[of]]
    elements = [FILTERS[element] for element in taken.element[of]]
    exposures_s, blocks = taken.exposure_s[of].tolist(), taken.block[of].tolist()
    requests = [FIRST_REQUEST + block if kind.is_science else None for block, kind in zip(blocks, kinds, strict=True)]
    columns = {
        "id": ids,
        "basename": basenames,
        "observation_date": observed,
        "observation_day": nights,
        "proposal_id": proposals,
        "instrument_id": instruments,
        "target_name": targets,
        "target_name_ascii": map(str.lower, targets),
        "reduction_level": levels,
        "site_id": sites,
        "telescope_id": [TELESCOPE_NAMES[telescope] for telescope in telescopes],
        "exposure_time": exposures_s,
        "primary_optical_element": elements,
        "public_date": released,
        "configuration_type": [kind.name for kind in kinds],
        "observation_id": [FIRST_OBSERVATION + block for block in blocks],
        "request_id": requests,
        "area": _make_areas(catalogue, of),
        "created": arrived,
        "modified": arrived,
    }
    frames = list(zip(*(columns[name] for name in FRAME_COLUMNS), strict=True))
    cards = zip(sites, instruments, observed, targets, elements, exposures_s, proposals, strict=True)
    headers = [(frame_id, _write_header(*values)) for frame_id, values in zip(ids, cards, strict=True)]
    return Chunk(frames, _make_versions(begin, frames), headers, _list_relations(catalogue, begin, end))


def _make_areas(catalogue: Catalogue, of: Ints) -> list[Row | None]:
    """Return a square on the sky for each exposure of a target, near it."""
    taken, random = catalogue.exposures, np.random.default_rng(of[:4])
    target, instrument = taken.target[of], taken.instrument[of]
    offset = np.radians(DITHER_DEG) * np.sqrt(random.random(len(of))) * np.exp(2j * np.pi * random.random(len(of)))
    half = np.tan(np.radians(catalogue.side_deg[instrument]) / 2) * np.exp(1j * catalogue.rotation[instrument])
    corners = offset[:, None] + half[:, None] * np.array([-1 - 1j, 1 - 1j, 1 + 1j, -1 + 1j, -1 - 1j])
    ra, dec = np.radians(catalogue.target_ra_deg[target]), np.radians(catalogue.target_dec_deg[target])
    x, y = corners.real, corners.imag  # on the tangent plane, to the east and to the north
    along = np.cos(dec)[:, None] - y * np.sin(dec)[:, None]
    ra_deg = np.degrees(ra[:, None] + np.arctan2(x, along))
    dec_deg = np.degrees(np.arctan2(np.sin(dec)[:, None] + y * np.cos(dec)[:, None], np.hypot(x, along)))
    flat = np.stack([ra_deg.round(6) % 360, dec_deg.round(6)], axis=2).reshape(len(of), 10).tolist()
    return [tuple(corner) if number >= 0 else None for corner, number in zip(flat, target.tolist(), strict=True)]


def _make_versions(begin: int, frames: list[Row]) -> list[Row]:
    """Return one version of each frame, and of some a second one; ids leave room for that."""
    random = np.random.default_rng(begin)
    has_second = random.random(len(frames)) < SECOND_VERSION_SHARE
    words = iter(random.bytes(len(frames) * 64).hex(" ", 16).split())
    sizes = random.lognormal(16.3, 0.4, len(frames)).astype(int).tolist()
    return [
        (2 * frame[0] + number, frame[0], next(words), next(words), EXTENSION, size, "", "", frame[-1])
        for frame, size, is_twice in zip(frames, sizes, has_second.tolist(), strict=True)
        for number in range(1 + is_twice)
    ]


def _list_relations(catalogue: Catalogue, begin: int, end: int) -> list[Row]:
    is_reduced = catalogue.is_reduced[begin:end, None]
    related = np.where(is_reduced, catalogue.related_ids[catalogue.exposure_of[begin:end]], 0)
    place, column = np.nonzero(related)
    return list(zip((place + begin + 1).tolist(), related[place, column].tolist(), strict=True))


def _write_header(
    site: str, instrument: str, observed: str, target: str, element: str, exposure_s: float, proposal: str
) -> str:
    """Return a header as JSON, thinned to ten cards; no text has a sign that JSON would escape."""
    return (
        f'{{"SIMPLE": true, "BITPIX": 16, "NAXIS": 2, "SITEID": "{site}", "INSTRUME": "{instrument}", '
        f'"DATE-OBS": "{observed}", "OBJECT": "{target}", "FILTER": "{element}", "EXPTIME": {exposure_s}, '
        f'"PROPID": "{proposal}"}}'
    )


def _to_text(times_s: Floats) -> list[str]:
    """Write UTC times as both databases read them."""
    microseconds = np.round(times_s * 1000).astype(np.int64) * 1000
    texts: list[str] = np.char.replace(microseconds.astype("datetime64[us]").astype(str), "T", " ").tolist()
    return texts
