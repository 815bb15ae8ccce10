"""The made-up catalogue is the same for the same seed, and has the shapes that make searches hard."""

import datetime as dt
import json
from collections import Counter
from functools import cache

import numpy as np
import pytest

from app.frames.sphere import SkyPolygon, check_ring
from bench.catalogue import Catalogue
from bench.catalogue_rows import FRAME_COLUMNS, VERSION_COLUMNS, Chunk, make_chunks
from bench.observatory import KINDS

END = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
SIZE = 20_000


@cache
def make(size: int = SIZE, seed: int = 1) -> Chunk:
    (chunk,) = make_chunks(Catalogue(size, END, seed))
    return chunk


def column(name: str) -> list[object]:
    return [row[FRAME_COLUMNS.index(name)] for row in make().frames]


def test_a_seed_gives_the_same_catalogue_each_time() -> None:
    (again,) = make_chunks(Catalogue(SIZE, END))
    assert again == make()
    assert make(2000, seed=2).frames != make(2000).frames


def test_ids_follow_arrival_and_names_are_no_others() -> None:
    assert column("id") == list(range(1, SIZE + 1))
    assert column("created") == sorted(column("created"))
    assert len(set(column("basename"))) == SIZE
    assert max(column("observation_date")) < str(END)


def test_half_is_reduced_and_kinds_have_their_shares() -> None:
    assert Counter(column("reduction_level")) == {0: SIZE // 2, 91: SIZE // 2}
    kinds = Counter(column("configuration_type"))
    assert {kind.name for kind in KINDS} == set(kinds)
    for kind in KINDS:
        assert kinds[kind.name] / SIZE == pytest.approx(kind.share, abs=0.01)


def test_a_request_is_five_exposures_of_one_target() -> None:
    sizes = Counter(request for request in column("request_id") if request)
    assert Counter(sizes.values()).most_common(1)[0][0] == 10  # raw and reduced
    by_request = zip(column("request_id"), column("target_name"), column("proposal_id"), strict=True)
    assert len({each for each in by_request if each[0]}) == len(sizes)


def test_a_few_targets_and_proposals_have_much() -> None:
    for name in ("target_name", "proposal_id"):
        counts = Counter(value for value in column(name) if value not in {"", "calibrate"})
        shares = [count / counts.total() for _, count in counts.most_common()]
        assert 0.07 < shares[0] < 0.17
        assert len(shares) > 400


def test_the_last_year_of_science_and_some_proposals_are_hidden() -> None:
    times = ("observation_date", "public_date", "proposal_id")
    observed, public, proposals = (np.array(column(name)) for name in times)
    hidden = public > f"{END:%Y-%m-%d}"
    assert hidden.mean() == pytest.approx(0.15, abs=0.03)
    assert not hidden[proposals == "calibrate"].any()
    recent = (observed > f"{END - dt.timedelta(days=364):%Y-%m-%d}") & (proposals != "calibrate")
    assert hidden[recent].all()
    assert (public > "2100").any()


def test_every_frame_has_a_version_and_some_have_two() -> None:
    owners = Counter(row[VERSION_COLUMNS.index("frame_id")] for row in make().versions)
    assert owners.keys() == set(range(1, SIZE + 1))
    assert Counter(owners.values())[2] / SIZE == pytest.approx(0.05, abs=0.01)
    for name in ("id", "md5"):
        values = [row[VERSION_COLUMNS.index(name)] for row in make().versions]
        assert len(set(values)) == len(values)


def test_headers_have_ten_keys() -> None:
    ids, texts = zip(*make().headers, strict=True)
    assert list(ids) == list(range(1, SIZE + 1))
    assert {len(json.loads(text)) for text in texts} == {10}


def test_a_reduced_science_frame_names_its_raw_frame_and_its_calibrations() -> None:
    kinds, levels, names = column("configuration_type"), column("reduction_level"), column("basename")
    calibrations = {"BIAS", "DARK", "SKYFLAT", "LAMPFLAT", "ARC"}
    for frame_id, related_id in make().related:
        assert levels[frame_id - 1] == 91
        if levels[related_id - 1] == 0:
            assert names[related_id - 1][:-2] == names[frame_id - 1][:-2]
        else:
            assert kinds[related_id - 1] in calibrations
    assert len(make().related) > 2 * SIZE / 2 * 0.63


def test_footprints_are_squares_on_the_sky() -> None:
    areas = [row for row in column("area") if row]
    assert len(areas) / SIZE == pytest.approx(0.63, abs=0.01)
    for area in areas[::50]:
        ring = np.reshape(area, (-1, 2))
        check_ring(ring)
        sides_deg = np.degrees(SkyPolygon.from_ring(ring).lengths)
        assert sides_deg == pytest.approx(sides_deg[0], rel=1e-3)
        assert 0.09 < sides_deg[0] < 0.51
