"""Blocks that are known by what they have are counted as those are that are looked at frame by frame."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from app.frame_columns import columns as columns_module
from app.frame_columns import contents as contents_module
from app.frame_columns import selection as selection_module
from app.frame_columns.columns import NEVER, NO_TIME, UNLISTED, Columns
from app.frame_columns.conditions import (
    Condition,
    has_in_basename,
    has_in_target,
    in_cone,
    in_groups,
    in_nights,
    is_exposed,
    is_released,
    is_target,
    of_proposals,
)
from app.frame_columns.contents import Contents
from app.frame_columns.order import Order
from app.frame_columns.selection import Selection, Sight

FRAMES, BLOCK, NOW = 3000, 64, 1000
ROUNDS = 150


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (columns_module, selection_module):
        monkeypatch.setattr(module, "BLOCK", BLOCK)
    monkeypatch.setattr(contents_module, "MANY", 2)
    monkeypatch.setattr(contents_module, "MOST_KEPT", 3)


def make_row(frame_id: int, chance: random.Random) -> tuple[Any, ...]:
    """Return a frame as `Columns.put` takes it: what is near in id is near in time, and often alike."""
    night = frame_id // 90
    observed = UNLISTED if chance.random() < 0.01 else frame_id + chance.randrange(-5, 5)
    released = NEVER if chance.random() < 0.001 else frame_id - 1500 + chance.choice([0, 0, 0, 400])
    ra, dec = (night * 37) % 360, (night * 11) % 120 - 60
    ring = np.array([(ra, dec), (ra + 1, dec), (ra + 1, dec + 1), (ra, dec + 1), (ra, dec)], "<f8")
    area = ring.tobytes() if chance.random() < 0.9 else None
    target, proposal = f"target {night % 17}", f"proposal {chance.choice([night % 5, night % 3])}"
    group = (f"site {night % 2}", "1m0", "fa01", chance.choice(["rp", "gp"][: 1 + night % 2]), "EXPOSE", 0)
    basename = f"cpt1m0-fa{night % 7:02d}-{night:04d}-{frame_id % 90:04d}-e00"
    return frame_id, basename, target, proposal, night, NO_TIME, released, observed, area, *group


def list_conditions() -> Iterator[Condition]:
    for number in range(6):
        yield is_target(f"target {number}")
        yield of_proposals([f"proposal {number}"])
        yield in_groups("site_id", [f"site {number % 3}"])
        yield Condition(first=number * 400, last=number * 400 + 900)
        yield in_nights([number])
    yield in_groups("primary_optical_element", ["gp"], is_not=True)
    yield has_in_target("1")
    yield in_cone((37, -49), 3)
    yield is_exposed(0)
    yield is_released(3000)
    yield has_in_basename("-0007-")
    yield has_in_basename("A03")
    yield has_in_basename("12-00")
    yield has_in_basename("1-e0")


def test_both_ways_are_alike_whatever_changes() -> None:
    chance = random.Random(6)
    known, looked_at = Columns.make(FRAMES), Columns.make(FRAMES)
    rows = [make_row(frame_id, chance) for frame_id in range(1, FRAMES)]
    for columns in (known, looked_at):
        columns.put(rows)
    known.settle(NOW)
    conditions = list(list_conditions())
    is_short_cut = 0
    for number in range(ROUNDS):
        condition = chance.choice(conditions) & chance.choice([Condition(), *conditions])
        sight = chance.choice([Sight(NOW), Sight(NOW, ("proposal 1",)), Sight(NOW, (), True), Sight(5 * NOW)])
        order = chance.choice([Order("observation_date", True), Order("id"), Order("target_name")])
        one, other = (Selection(columns, condition, sight) for columns in (known, looked_at))
        is_short_cut += known.is_known.any()
        assert one.count()[0] == other.count()[0]
        np.testing.assert_array_equal(one.count()[1], other.count()[1])
        tallies = one.tally()[0], other.tally()[0]
        for field in ("site_id", "primary_optical_element", "proposal_id"):
            assert tallies[0].list_values(field) == tallies[1].list_values(field)
        np.testing.assert_array_equal(one.find_first(40, order)[0], other.find_first(40, order)[0])
        if number % 10 == 0:
            changed = [make_row(chance.randrange(1, FRAMES + 10 * number), chance) for _ in range(3)]
            gone = {chance.randrange(1, FRAMES)} - {row[0] for row in changed}
            for columns in (known, looked_at):
                columns.put(changed, gone)
    assert is_short_cut > ROUNDS / 2


def test_a_few_sums_are_kept() -> None:
    contents = Contents.count(3, lambda block: np.array([block, block + 1, 5]))
    wanted = [np.isin(np.arange(6), (1, number)) for number in range(6)]
    first = contents.add_up(wanted[5], 3)
    assert first.tolist() == [2, 2, 1]
    assert contents.add_up(wanted[5], 3) is first
    for flags in wanted:
        contents.add_up(flags, 3)
    again = contents.add_up(wanted[5], 3)
    assert again is not first
    assert again.tolist() == first.tolist()
