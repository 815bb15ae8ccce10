"""The frames of many places on the sky: by one look at the columns in memory, or place by place by SQL."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import BigInteger, LargeBinary, bindparam, select, type_coerce

from app.accounts.viewer import Viewer
from app.columns import Values, is_one_of
from app.errors import BadRequest
from app.extensions import get_table
from app.frame_columns.conditions import Condition
from app.frame_columns.footprints import Cone
from app.frame_columns.names import Numbers
from app.frame_columns.neighbours import Neighbours
from app.frame_columns.order import Order
from app.frame_columns.queries import select_frames
from app.frame_columns.reading import packed
from app.frame_columns.times import to_microseconds
from app.frames.cones import meet_cones
from app.frames.matching import find_matching
from app.frames.models import Frame
from app.frames.sphere import to_unit_vectors
from app.reading import read

IDS_AT_A_TIME = 20_000
MOST_FOUND = 5_000_000  # 8 bytes each

T = TypeVar("T")

FRAMES = get_table(Frame)
IDS = bindparam("ids", type_=Values(BigInteger))
AREAS = select(FRAMES.c.id, packed(type_coerce(FRAMES.c.area, LargeBinary)).label("area")).where(
    is_one_of(FRAMES.c.id, IDS)
)
FACTS = select(FRAMES.c.id, FRAMES.c.observation_date, FRAMES.c.primary_optical_element).where(
    is_one_of(FRAMES.c.id, IDS)
)


@dataclass(frozen=True)
class Place:
    """A position and a radius, ICRS degrees."""

    ra_deg: float
    dec_deg: float
    radius_deg: float


@dataclass(frozen=True)
class Found:
    """The frames of a place: their ids, when the newest began (microseconds since 1970), and their filters."""

    ids: Numbers
    newest: int | None
    filters: Sequence[str]


def find_frames(viewer: Viewer, search: Mapping[str, Any], places: Sequence[Place]) -> list[Found]:
    """Return for each place the frames whose footprints come so near to it, of those that a search finds for a viewer.

    Parameters
    ----------
    search
        As `SearchSchema` loads it, and nothing in it of the sky.

    Raises
    ------
    BadRequest
        If there are more than `MOST_FOUND`, a frame of several places counted for each.
    """
    selection = select_frames(viewer, Condition())
    if selection is None:
        return list(_bounded((_find_by_sql(viewer, search, place) for place in places), lambda found: found.ids))
    if search:
        selection = selection.within(find_matching(viewer, search).find_all(Order("id")))
    neighbours = selection.sort_by_place()
    pairs = list(_bounded((neighbours.find(_to_cone(place)) for place in places), lambda pair: pair[0]))
    confirmed = _confirm([ids[~is_sure] for ids, is_sure in pairs], places)
    return [
        _describe(neighbours, np.concatenate([ids[is_sure], more]))
        for (ids, is_sure), more in zip(pairs, confirmed, strict=True)
    ]


def _bounded(parts: Iterable[T], ids_of: Callable[[T], Numbers]) -> Iterator[T]:
    """Yield what is found place by place, as long as it is not too much."""
    number = 0
    for part in parts:
        number += len(ids_of(part))
        if number > MOST_FOUND:
            message = (
                f"These targets have more than {MOST_FOUND:,} frames together: give smaller radii, or fewer targets."
            )
            raise BadRequest(message, code="too_many", fields={"radius": [message]})
        yield part


def _to_cone(place: Place) -> Cone:
    return Cone(to_unit_vectors([(place.ra_deg, place.dec_deg)])[0], np.radians(place.radius_deg))


def _describe(neighbours: Neighbours, ids: Numbers) -> Found:
    if not len(ids):
        return Found(ids, None, ())
    return Found(
        np.sort(ids),
        int(neighbours.read("observed", ids).max()),
        sorted(filter(None, set(neighbours.read("primary_optical_element", ids).tolist()))),
    )


def _confirm(unsure: Sequence[Numbers], places: Sequence[Place]) -> list[Numbers]:
    """Return, of the frames of each place that may meet it, those whose footprints do."""
    numbers = np.repeat(np.arange(len(places)), [len(ids) for ids in unsure])
    ids = np.concatenate([np.empty(0, np.int64), *unsure])
    positions = np.array([(place.ra_deg, place.dec_deg) for place in places]).reshape(-1, 2)
    radii = np.array([place.radius_deg for place in places])
    met = np.zeros(len(ids), bool)
    for part, rings in _read_rings(ids):
        met[part] = meet_cones(rings, positions[numbers[part]], radii[numbers[part]])
    ends = np.cumsum([len(ids) for ids in unsure])[:-1]
    return [ids[is_met] for ids, is_met in zip(unsure, np.split(met, ends), strict=True)] if len(places) else []


def _read_rings(ids: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield the rings of those of some frames that have as many corners, and where these are among them."""
    areas = _read_areas(np.unique(ids))
    by_length: dict[int, list[int]] = defaultdict(list)
    for place, frame_id in enumerate(ids.tolist()):
        if frame_id in areas:
            by_length[len(areas[frame_id])].append(place)
    for length, places in by_length.items():
        packed_rings = np.frombuffer(b"".join(areas[frame_id] for frame_id in ids[places].tolist()), np.uint8)
        # Before the numbers there may be a header of WKB.
        values = np.ascontiguousarray(packed_rings.reshape(len(places), length)[:, length % 16 :])
        yield np.array(places), values.view("<f8").reshape(len(places), -1, 2)


def _read_areas(ids: Numbers) -> dict[int, bytes]:
    """Return the footprints of some frames as the database keeps them."""
    areas: dict[int, bytes] = {}
    for begin in range(0, len(ids), IDS_AT_A_TIME):
        rows = read(AREAS, {"ids": ids[begin : begin + IDS_AT_A_TIME].tolist()})
        areas |= {row.id: bytes(row.area) for row in rows if row.area is not None}
    return areas


def _find_by_sql(viewer: Viewer, search: Mapping[str, Any], place: Place) -> Found:
    """Find them without the columns, while these are being made."""
    cone = {"ra": place.ra_deg, "dec": place.dec_deg, "radius": place.radius_deg}
    ids = np.sort(find_matching(viewer, {**search, **cone}).find_all(Order("id")))
    rows = read(FACTS, {"ids": ids.tolist()}) if len(ids) else []
    newest = max((to_microseconds(row.observation_date) for row in rows), default=None)
    return Found(ids, newest, sorted({row.primary_optical_element for row in rows} - {""}))
