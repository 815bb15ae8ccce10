"""Which calibrations belong to frames: those that their headers name, else the nearest that suit; as a viewer sees."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, exists, literal, select

from app.accounts.viewer import Viewer
from app.calibrations.candidates import Candidates, Instrument, find_candidates
from app.calibrations.kinds import KIND_OF_TYPE, KINDS, NEVER_SEARCHED, Kind, list_wanted
from app.calibrations.readouts import Readout, read_readout
from app.calibrations.reasons import describe_nearest, describe_own
from app.columns import Values, is_one_of
from app.extensions import get_table
from app.frames.lists import iter_frames
from app.frames.models import Frame, Header, RelatedFrame, Version
from app.frames.queries import FoundFrame
from app.frames.visibility import build_visible, describe_sight, visible_to
from app.reading import read

MOST_FRAMES = 1000  # that are asked about at a time
MOST_LISTED = 12  # of a kind, for a frame
#: So many are looked at for a readout as the frame's, until enough are found: first few, then more.
LOOKS = (MOST_LISTED, 120, 1000)
HEADERS_AT_A_TIME = 500


@dataclass(frozen=True)
class Calibration:
    """A calibration of a frame, and why it is one."""

    kind: Kind
    frame: FoundFrame
    reason: str
    is_own: bool  # named by the frame's header, or by that of what was made from it
    is_best: bool  # what is taken if nobody chooses


@dataclass(frozen=True)
class FrameCalibrations:
    """What was found for a frame: by kind, the best first; nothing of a kind that is missing."""

    frame: FoundFrame
    by_kind: Mapping[Kind, Sequence[Calibration]]

    @property
    def best(self) -> list[Calibration]:
        return [found for calibrations in self.by_kind.values() for found in calibrations if found.is_best]

    @property
    def size(self) -> int:
        """Bytes of the newest files of the best, as far as these are known."""
        return sum_sizes(each.frame for each in self.best)

    @property
    def missing(self) -> list[Kind]:
        return [kind for kind, calibrations in self.by_kind.items() if not calibrations]


def sum_sizes(frames: Iterable[FoundFrame]) -> int:
    """Return the bytes of the newest files of some frames, as far as they are known."""
    return sum(frame.versions[0].size or 0 for frame in frames if frame.versions)


class Need(NamedTuple):
    """A kind of calibration that a frame wants and no header names."""

    frame: Any  # its row
    kind: Kind


class Own(NamedTuple):
    """A calibration that a header names: the frame's own, or that of a product made from it, by its basename."""

    id: int
    product: str


def find_calibrations(viewer: Viewer, frames: Sequence[FoundFrame]) -> list[FrameCalibrations]:
    """Return the calibrations of some frames, which the viewer sees, as far as they see those."""
    own = _list_own(viewer, frames)
    needs = [
        Need(frame.row, kind)
        for frame in frames
        for kind in list_wanted(frame.row.configuration_type)
        if (frame.row.id, kind) not in own
    ]
    readouts = _Readouts(viewer)
    nearest = _find_nearest(viewer, needs, readouts)
    ids = {each.id for named in own.values() for each in named} | {each for ids in nearest.values() for each in ids}
    batches = iter_frames(viewer, "calibrations", sorted(ids), {"include_related_frames": False})
    fetched = {frame.row.id: frame for batch in batches for frame in batch}
    return [_gather(frame, own, nearest, fetched, readouts) for frame in frames]


def _gather(
    frame: FoundFrame,
    own: Mapping[tuple[int, Kind], list[Own]],
    nearest: Mapping[tuple[int, Kind], list[int]],
    fetched: Mapping[int, FoundFrame],
    readouts: "_Readouts",
) -> FrameCalibrations:
    """Put together what was found for a frame."""
    row, wanted = frame.row, list_wanted(frame.row.configuration_type)
    by_kind: dict[Kind, list[Calibration]] = {}
    for kind in KINDS:
        key = (row.id, kind)
        if named := own.get(key):
            by_kind[kind] = [
                Calibration(kind, fetched[each.id], describe_own(each.product), True, True)
                for each in named
                if each.id in fetched
            ]
        elif kind in wanted:
            ranked = [fetched[each] for each in nearest.get(key, ()) if each in fetched]
            best = _choose_best(ranked)
            by_kind[kind] = [
                Calibration(
                    kind,
                    each,
                    describe_nearest(kind, row, each.row, (readouts[row.id], readouts[each.row.id])),
                    False,
                    each in best,
                )
                for each in ranked
            ]
    return FrameCalibrations(frame, by_kind)


def _choose_best(ranked: Sequence[FoundFrame]) -> list[FoundFrame]:
    """Return the first; if it is raw, with those of its series: one raw calibration alone is of little use."""
    if not ranked or ranked[0].row.reduction_level > 0:
        return list(ranked[:1])
    fields = ("reduction_level", "observation_day", "configuration_type", "exposure_time")
    first, *_ = series = [tuple(getattr(frame.row, name) for name in fields) for frame in ranked]
    # Flats of the sky are exposed as long as the twilight lets them.
    same = [each[:3] == first[:3] if "FLAT" in first[2] else each == first for each in series]
    return [frame for frame, is_same in zip(ranked, same, strict=True) if is_same]


def _find_nearest(viewer: Viewer, needs: Iterable[Need], readouts: "_Readouts") -> dict[tuple[int, Kind], list[int]]:
    """Return the ids of what suits each need, the best first."""
    found: dict[tuple[int, Kind], list[int]] = {}
    by_instrument: dict[Instrument, list[Need]] = defaultdict(list)
    for need in needs:
        if need.frame.instrument_id and need.frame.observation_date:
            by_instrument[Instrument(*(getattr(need.frame, name) for name in Instrument._fields))].append(need)
    for instrument, open_needs in by_instrument.items():
        times = [need.frame.observation_date for need in open_needs]
        candidates = find_candidates(viewer, instrument, min(times), max(times))
        for most in LOOKS:
            open_needs = list(_meet(open_needs, candidates, most, readouts, found))
    return found


def _meet(
    needs: Iterable[Need],
    candidates: Candidates,
    most: int,
    readouts: "_Readouts",
    found: dict[tuple[int, Kind], list[int]],
) -> Iterable[Need]:
    """Write down what meets each need among the best `most`; yield the needs of which more may be met by others."""
    ranked = [(need, candidates.rank(need.kind, need.frame, most)) for need in needs]
    readouts.fetch({need.frame.id for need, _ in ranked} | {each for _, ids in ranked for each in ids})
    for need, ids in ranked:
        suiting = [each for each in ids if readouts[each].agrees_with(readouts[need.frame.id])]
        found[need.frame.id, need.kind] = suiting[:MOST_LISTED]
        if not suiting and len(ids) == most:
            yield need


class _Readouts:
    """How frames were read out, each asked for once."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._known: dict[int, Readout] = {}

    def __getitem__(self, frame_id: int) -> Readout:
        return self._known.get(frame_id, Readout())

    def fetch(self, ids: Collection[int]) -> None:
        """Read the headers of those that are not known yet."""
        wanted = sorted(set(ids) - self._known.keys())
        statement = select(Header.frame_id, Header.data).join(Frame, Frame.id == Header.frame_id)
        statement = statement.where(is_one_of(Header.frame_id, IDS), visible_to(self._viewer))
        for begin in range(0, len(wanted), HEADERS_AT_A_TIME):
            part = wanted[begin : begin + HEADERS_AT_A_TIME]
            self._known |= dict.fromkeys(part, Readout())
            self._known |= {row.frame_id: read_readout(row.data or {}) for row in read(statement, {"ids": part})}


def _list_own(viewer: Viewer, frames: Sequence[FoundFrame]) -> dict[tuple[int, Kind], list[Own]]:
    """Return by frame and kind the calibrations that its header names, or else those that a product's header does."""
    sight = describe_sight(viewer)
    ids = [frame.row.id for frame in frames]
    # A calibration is named by all that was made with it, and what those were made with is none of its own.
    others = [frame.row.id for frame in frames if frame.row.configuration_type not in KIND_OF_TYPE]
    rows = [*read(NAMED, sight | {"ids": ids}), *read(NAMED_BY_PRODUCTS, sight | {"ids": others})]
    wanted = {frame.row.id: list_wanted(frame.row.configuration_type) for frame in frames}
    own: dict[tuple[int, Kind], list[Own]] = {}
    for row in rows:
        kind = KIND_OF_TYPE[row.configuration_type]
        if kind in wanted[row.of] or (kind in NEVER_SEARCHED and wanted[row.of]):
            named = own.setdefault((row.of, kind), [])
            if not named or named[0].product == row.product:
                named.append(Own(row.id, row.product))
    return own


def _select_named(*columns: ColumnElement[Any]) -> Select[Any]:
    """Select those of the frames named by `NAMING` that are calibrations and that a viewer may see."""
    has_version = exists().where(VERSIONS.c.frame_id == CALIBRATIONS.c.id)
    return (
        select(CALIBRATIONS.c.id, CALIBRATIONS.c.configuration_type, *columns)
        .join(NAMING, NAMING.c.related_id == CALIBRATIONS.c.id)
        .where(CALIBRATIONS.c.configuration_type.in_(KIND_OF_TYPE), build_visible(CALIBRATIONS), has_version)
    )


FRAMES, VERSIONS, RELATED = get_table(Frame), get_table(Version), get_table(RelatedFrame)
CALIBRATIONS, PRODUCTS, NAMING, MADE_FROM = (
    FRAMES.alias("calibration"),
    FRAMES.alias("product"),
    RELATED.alias("naming"),
    RELATED.alias("made_from"),
)
IDS = bindparam("ids", type_=Values(BigInteger))
#: The calibrations that frames name.
NAMED = (
    _select_named(NAMING.c.frame_id.label("of"), literal("").label("product"))
    .where(is_one_of(NAMING.c.frame_id, IDS))
    .order_by(CALIBRATIONS.c.id)
)
#: Those that what names frames names beside them: reduced frames name the raw one, and its bias. Best reduced first.
NAMED_BY_PRODUCTS = (
    _select_named(MADE_FROM.c.related_id.label("of"), PRODUCTS.c.basename.label("product"))
    .join(PRODUCTS, PRODUCTS.c.id == NAMING.c.frame_id)
    .join(MADE_FROM, MADE_FROM.c.frame_id == PRODUCTS.c.id)
    .where(is_one_of(MADE_FROM.c.related_id, IDS), build_visible(PRODUCTS))
    .order_by(PRODUCTS.c.reduction_level.desc(), PRODUCTS.c.id.desc(), CALIBRATIONS.c.id)
)
