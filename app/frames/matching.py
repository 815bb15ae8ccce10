"""What a search finds for a viewer: by the columns in memory, and by SQL for what only that knows.

`find_matching` chooses between two ways that answer alike: `KnownFrames`, and `SqlFrames` for as long as the columns
are being made.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from sqlalchemy import BigInteger, LargeBinary, Select, and_, any_, exists, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from app.accounts.viewer import Viewer
from app.extensions import db, get_config
from app.frame_columns.conditions import of_proposals
from app.frame_columns.names import Flags, Numbers
from app.frame_columns.order import Order
from app.frame_columns.queries import select_frames
from app.frame_columns.selection import Selection
from app.frame_columns.tally import Tally
from app.frame_columns.times import EPOCH, MICROSECOND
from app.frames.counting import count_matching
from app.frames.models import Frame, Version
from app.frames.search import ORDERINGS, Condition, build_conditions, split_search
from app.frames.visibility import of_own_proposals, visible_to
from app.reading import read, read_primary

FEW = 2_000  # frames, of each of which SQL is asked rather than for all that meet its conditions
MOST = 10_000  # ids that SQL is asked for at once: it takes up to 0.1 s
ENOUGH = 250  # of a sample, for a share to be within a fifth: that is three standard deviations
ALL = 2**62  # more than there are
NO_IDS = np.empty(0, np.int64)
Count = tuple[int, bool]
"""How many, and whether that is estimated."""


class Matching(Protocol):
    """The frames that a search finds."""

    def count(self, *, is_forced: bool) -> Count:
        """Return how many there are."""

    def find_first(self, number: int, order: Order) -> list[int]:
        """Return the ids of the first in an order."""

    def find_all(self, order: Order) -> Numbers:
        """Return the ids of all of them, in an order: 8 bytes each."""

    def list_values(self, fields: Collection[str]) -> dict[str, list[Any]]:
        """Return the values that they have in some fields, sorted."""

    def tally(self, fields: Collection[str]) -> Tally | None:
        """Return how many have each value of some fields, as many as `count` says; None: that can't be said quickly."""


def find_matching(viewer: Viewer, search: Mapping[str, Any]) -> Matching:
    """Return what a search finds for a viewer."""
    among, on_sky, rest = split_search(search)
    if search.get("public") is False and not viewer.is_admin:
        among &= of_proposals(viewer.proposals)
    selection = select_frames(viewer, among)
    if selection is None:
        return SqlFrames(viewer, search)
    conditions, others = build_conditions(on_sky), build_conditions(rest)
    if not others:
        return KnownFrames(viewer, search, selection, conditions)
    ids = selection.list_ids(FEW)
    if len(ids) > FEW:
        ids = _fetch_ids(select(Frame.id).where(*others).limit(MOST + 1))
        if len(ids) <= MOST:
            return KnownFrames(viewer, search, selection.within(ids), conditions)
        return KnownFrames(viewer, search, selection, conditions + others, is_unsure=True)
    return KnownFrames(viewer, search, selection.within(ids), conditions + others, is_unsure=True)


def finds_any(viewer: Viewer, search: Mapping[str, Any]) -> bool:
    """Say whether a search finds a frame at all: it is looked for no further than the first."""
    return bool(find_matching(viewer, search).find_first(1, Order("observation_date", is_descending=True)))


class KnownFrames:
    """Frames of the columns. Of some of them, or of all, SQL is asked whether they are what the search finds.

    Parameters
    ----------
    conditions
        In SQL, by which unsure frames are decided.
    is_unsure
        Whether all are.
    """

    def __init__(
        self,
        viewer: Viewer,
        search: Mapping[str, Any],
        selection: Selection,
        conditions: Sequence[Condition],
        *,
        is_unsure: bool = False,
    ) -> None:
        self._viewer, self._search = viewer, search
        self._selection, self._conditions, self._is_unsure = selection, conditions, is_unsure
        self._asked = self._confirmed = np.empty(0, np.int64)

    @cached_property
    def _by_sql(self) -> "SqlFrames":
        return SqlFrames(self._viewer, self._search)

    def count(self, *, is_forced: bool) -> Count:
        """Count the sure ones, and ask SQL of the others; where these are many, estimate by asking of some."""
        count, unsure = self._selection.count()
        number = count + len(unsure) if self._is_unsure else len(unsure)
        if number > MOST and is_forced:
            return self._by_sql.count(is_forced=True)
        if self._is_unsure:
            count, unsure = 0, self._selection.sample(MOST, number)
        if number > MOST:
            return count + round(number * self._estimate_share(unsure)), True
        return count + len(self._choose(unsure)), False

    def _estimate_share(self, ids: Numbers) -> float:
        """Return about which share of some frames SQL confirms: of few where many are, so that it takes less time."""
        ids = np.random.default_rng(0).permutation(ids)[:MOST]  # the same for each page of a list
        asked = confirmed = 0
        while asked < len(ids) and confirmed < ENOUGH:
            part = ids[asked : asked + FEW]
            asked, confirmed = asked + len(part), confirmed + len(self._choose(part))
        return confirmed / asked

    def find_first(self, number: int, order: Order) -> list[int]:
        """Look for more, until as many are found as are wanted, whatever SQL says of those that are unsure."""
        if order.field == "basename":
            ids = self._selection.list_ids(MOST)
            return self._by_sql.find_first(number, order, ids if len(ids) <= MOST else None)
        wanted = number
        while True:
            ids, sure = self._selection.find_first(wanted, order)
            kept = self._keep(ids, np.zeros_like(sure) if self._is_unsure else sure)
            if len(kept) >= number or len(ids) < wanted:
                first: list[int] = kept[:number].tolist()
                return first
            wanted *= 4
            if self._is_unsure and wanted > MOST:  # what is newest is of another kind than what is looked for
                return self._by_sql.find_first(number, order)

    def find_all(self, order: Order) -> Numbers:
        """Take all that the columns have, and ask SQL of those that are unsure."""
        if order.field == "basename":
            return self._by_sql.find_all(order)
        ids, sure = self._selection.find_first(ALL, order)
        return self._keep(ids, np.zeros_like(sure) if self._is_unsure else sure)

    def list_values(self, fields: Collection[str]) -> dict[str, list[Any]]:
        """List what the sure ones have; then SQL is asked of those of the others that may have more than that."""
        selection, (tally, unsure) = self._selection, self._selection.tally(fields)
        if self._is_unsure:
            unsure = selection.list_ids()
            tally = selection.make_tally(fields)
            tally.add(self._choose(np.random.default_rng(0).permutation(unsure)[:MOST]))
        unsure = unsure[tally.has_news(fields, unsure)]
        tally.add(self._choose(unsure) if len(unsure) <= 5 * MOST else self._by_sql.fetch_ids())
        return {field: tally.list_values(field) for field in fields}

    def tally(self, fields: Collection[str]) -> Tally | None:
        """Tally the sure ones, and ask SQL of the others; where these are many, of some, which then stand for all."""
        tally, unsure = self._selection.tally(fields)
        if self._is_unsure:
            tally, unsure = self._selection.make_tally(fields), self._selection.list_ids()
        asked = np.random.default_rng(0).permutation(unsure)[:MOST]
        tally.add(self._choose(asked), max(len(unsure) / max(len(asked), 1), 1.0))
        return tally

    def _keep(self, ids: Numbers, sure: Flags) -> Numbers:
        """Leave out what SQL does not confirm; of each frame it is asked once."""
        if sure.all():
            return ids
        new = np.setdiff1d(ids[~sure], self._asked)
        self._asked = np.concatenate([self._asked, new])
        self._confirmed = np.concatenate([self._confirmed, self._choose(new)])
        return ids[sure | np.isin(ids, self._confirmed)]

    def _choose(self, ids: Numbers) -> Numbers:
        """Return those of some frames that meet the conditions."""
        if not self._conditions:
            return ids
        # As a whole they serve no index: each of these frames is looked at, not all that an index would give.
        is_met = and_(*self._conditions).is_(True)
        parts = [ids[begin : begin + MOST] for begin in range(0, len(ids), MOST)]
        return np.concatenate(
            [NO_IDS, *(_fetch_ids(select(Frame.id).where(is_one_of(part), is_met)) for part in parts)]
        )


class SqlFrames:
    """Frames that SQL alone finds."""

    def __init__(self, viewer: Viewer, search: Mapping[str, Any]) -> None:
        own_only = [of_own_proposals(viewer)] if search.get("public") is False and not viewer.is_admin else []
        has_version = exists().where(Version.frame_id == Frame.id)
        is_listed = [visible_to(viewer), Frame.observation_date.is_not(None), has_version]
        self._conditions = [*is_listed, *own_only, *build_conditions(search)]

    def count(self, *, is_forced: bool) -> Count:
        """Count as `app.frames.counting` does."""
        return count_matching(self._conditions, None if is_forced else get_config().count_patience_ms / 1000)

    def find_first(self, number: int, order: Order, ids: Numbers | None = None) -> list[int]:
        """Find the first, if ids are given among these."""
        column = ORDERINGS[order.field]
        keys = (column, Frame.id)
        statement = select(Frame.id).where(*self._conditions, *([] if ids is None else [is_one_of(ids)]))
        if order.after is not None:
            value, frame_id = order.after
            there = tuple_(literal(EPOCH + value * MICROSECOND if order.is_by_time else value, column.type), frame_id)
            statement = statement.where(tuple_(*keys) < there if order.is_descending else tuple_(*keys) > there)
        in_order = statement.order_by(*(key.desc() if order.is_descending else key.asc() for key in keys))
        return [frame_id for (frame_id,) in read(in_order.limit(number))]

    def find_all(self, order: Order) -> Numbers:
        """Find all, in one statement."""
        return np.array(self.find_first(ALL, order), np.int64)

    def list_values(self, fields: Collection[str]) -> dict[str, list[Any]]:
        """List them in one walk through the frames."""
        statement = select(*(getattr(Frame, field) for field in fields)).where(*self._conditions).distinct()
        rows = read(statement)
        return {field: sorted({getattr(row, field) for row in rows}) for field in fields}

    def tally(self, fields: Collection[str]) -> Tally | None:
        """Say nothing: one walk through all frames for each field may take minutes."""
        return None

    def choose(self, ids: Sequence[int]) -> list[int]:
        """Return which of some frames are among them by now, the newest observation first."""
        is_met = and_(*self._conditions).is_(True)  # as a whole they serve no index: only these frames are looked at
        statement = select(Frame.id).where(is_one_of(np.array(ids, np.int64)), is_met)
        newest_first = statement.order_by(Frame.observation_date.desc(), Frame.id.desc())
        return [frame_id for (frame_id,) in read_primary(newest_first)]

    def fetch_ids(self) -> Numbers:
        """Return the ids of all."""
        return _fetch_ids(select(Frame.id).where(*self._conditions))


def is_one_of(ids: Numbers) -> Condition:
    """Return the condition that a frame is one of some, however many."""
    if db.engine.dialect.name == "postgresql":
        return Frame.id == any_(literal(ids.tolist(), ARRAY(BigInteger)))
    return Frame.id.in_(select(func.json_each(json.dumps(ids.tolist())).table_valued("value").c.value))


def _fetch_ids(statement: Select[int]) -> Numbers:
    """Fetch ids, from PostgreSQL as one value: a row for each costs several times as much."""
    if db.engine.dialect.name != "postgresql":
        return np.fromiter((frame_id for (frame_id,) in read(statement)), np.int64)
    packed = func.string_agg(func.int8send(statement.subquery().c.id), literal(b"", LargeBinary), type_=LargeBinary)
    ((ids,),) = read(select(packed))
    return np.frombuffer(ids or b"", ">i8").astype(np.int64)
