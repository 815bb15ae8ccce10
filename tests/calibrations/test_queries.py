"""Which calibrations frames get: their own, else the nearest that suit, for whom, and why; on both databases."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app.accounts.viewer import ANONYMOUS, Viewer
from app.calibrations import candidates
from app.calibrations.queries import FrameCalibrations, find_calibrations
from app.frames.queries import fetch_frames
from tests.frames_factory import add_frame

TAKEN = "2026-11-01T03:00:00"
NEXT_NIGHT, LAST_WEEK, LAST_MONTH = "2026-11-02T02:00:00", "2026-10-26T03:00:00", "2026-10-01T03:00:00"
MASTER = 91
BINNED = {"CCDSUM": "2 2"}


@pytest.fixture
def archive(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


numbers = itertools.count()


def add(kind: str, time: str = TAKEN, basename: str = "", headers: Any = BINNED, **fields: Any) -> int:
    """Archive a calibration, or another frame, and return its id."""
    exposure = {"BIAS": 0.0, "DARK": 60.0, "SKYFLAT": 5.0}.get(kind, 60.0)
    return add_frame(
        basename or f"{kind.lower()}-{next(numbers)}",
        **{"exposure_time": exposure, "configuration_type": kind, "observation_date": time, "headers": headers}
        | fields,
    )


def find(frame_id: int, viewer: Viewer = ANONYMOUS) -> FrameCalibrations:
    (found,) = find_calibrations(viewer, fetch_frames(viewer, "test", [frame_id], {}))
    return found


def list_ids(found: FrameCalibrations, kind: str) -> list[int]:
    """Return the ids of those of a kind, the best first."""
    (calibrations,) = (each for name, each in found.by_kind.items() if name.name == kind)
    return [calibration.frame.row.id for calibration in calibrations]


@pytest.fixture(params=["columns", "sql"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the columns in memory, and as long as these are being made."""
    if request.param == "sql":
        monkeypatch.setattr(candidates, "select_frames", lambda viewer, condition: None)


def test_the_nearest_that_suit(archive: None) -> None:
    frame = add("EXPOSE")
    near, far = add("BIAS", NEXT_NIGHT), add("BIAS", LAST_WEEK)
    for other in (
        {"instrument_id": "fa02"},
        {"site_id": "lsc"},
        {"telescope_id": "1m0b"},
        {"headers": {"CCDSUM": "1 1"}},
        {"headers": BINNED | {"CONFMODE": "central"}, "observation_date": TAKEN},
        {"time": "2024-11-01T03:00:00"},
        {"contents": ()},
    ):
        add("BIAS", **{"time": TAKEN} | other)
    frame_of_mode = add("EXPOSE", headers=BINNED | {"CONFMODE": "full"})
    assert list_ids(find(frame_of_mode), "bias") == [near, far]
    silent = add("BIAS", LAST_MONTH, headers={})
    assert list_ids(find(frame_of_mode), "bias") == [near, far, silent]
    assert "whose header states no binning" in next(iter(find(frame).by_kind.values()))[-1].reason
    flat = add("SKYFLAT", NEXT_NIGHT)
    add("SKYFLAT", primary_optical_element="gp")
    found = find(frame)
    assert list_ids(found, "flat") == [flat]
    assert [kind.name for kind in found.missing] == ["dark"]
    (reason,) = (each.reason for each in found.best if each.kind.name == "flat")
    assert reason == "flat 23 h after, in rp, binning 2×2"


def test_reduced_ones_of_the_same_week_come_first(archive: None) -> None:
    frame = add("EXPOSE")
    raw, earlier = add("BIAS"), add("BIAS", LAST_MONTH)
    master, old_master = (
        add("BIAS", LAST_WEEK, reduction_level=MASTER),
        add("BIAS", "2026-09-30", reduction_level=MASTER),
    )
    found = find(frame)
    assert list_ids(found, "bias") == [master, raw, earlier, old_master]
    assert [each.frame.row.id for each in found.best] == [master]
    assert found.best[0].reason == "reduced bias 6 days before, binning 2×2"
    assert found.size == 1000


def test_raw_ones_are_taken_as_a_series(archive: None) -> None:
    frame = add("EXPOSE")
    series = {add("DARK", f"2026-11-01T10:{minute}:00") for minute in range(10, 15)}
    add("DARK", "2026-11-01T10:05:00", exposure_time=300.0)
    add("DARK", NEXT_NIGHT)
    assert {each.frame.row.id for each in find(frame).best} == series
    assert find(frame).best[0].reason == "dark of the same night, 7 h after, as long as the frame, binning 2×2"


def test_darks_by_their_exposure(archive: None) -> None:
    frame = add("EXPOSE")
    lengths = {seconds: add("DARK", exposure_time=seconds) for seconds in (30.0, 900.0, 120.0)}
    like = add("DARK", LAST_WEEK, exposure_time=60.3)
    wanted = [like, lengths[120.0], lengths[900.0], lengths[30.0]]
    assert list_ids(find(frame), "dark") == wanted
    reasons = [each.reason for kind, found in find(frame).by_kind.items() if kind.name == "dark" for each in found]
    assert "120 s, longer than the frame's 60 s" in reasons[1]
    assert "30 s, shorter than" in reasons[3]


def test_what_the_header_names_goes_before_all(archive: None) -> None:
    named, mask = add("BIAS", LAST_MONTH, "own-bias"), add("BPM", "2025-01-01", "own-mask")
    add("BIAS")
    dark = add("DARK")
    frame = add("EXPOSE", related_frame_filenames=["own-bias", "own-mask", "not-arrived"])
    found = find(frame)
    assert list_ids(found, "bias") == [named]
    assert list_ids(found, "bad pixel mask") == [mask]
    assert list_ids(found, "dark") == [dark]
    assert {each.reason for each in found.best if each.is_own} == {"named in its header"}


def test_a_raw_frame_gets_what_its_product_was_made_with(archive: None) -> None:
    frame = add("EXPOSE", basename="raw")
    good, quick = add("BIAS", LAST_MONTH, "good-bias"), add("BIAS", LAST_MONTH, "quick-bias")
    add("BIAS")
    add("EXPOSE", basename="quick", reduction_level=11, related_frame_filenames=["raw", "quick-bias"])
    assert list_ids(find(frame), "bias") == [quick]
    add("EXPOSE", basename="reduced", reduction_level=91, related_frame_filenames=["raw", "good-bias"])
    assert list_ids(find(frame), "bias") == [good]
    assert find(frame).best[0].reason == "named in the header of reduced, which was made from this frame"
    # What calibrates others with a dark is no bias of that dark.
    dark = add("DARK", basename="master-dark")
    add("EXPOSE", basename="other", related_frame_filenames=["master-dark", "good-bias"])
    assert good in list_ids(find(dark), "bias")
    assert not any(each.is_own for each in find(dark).best)


def test_what_calibrations_want(archive: None) -> None:
    ids = {kind: add(kind) for kind in ("BIAS", "DARK", "SKYFLAT", "CATALOG", "SPECTRUM")}
    wanted = {kind: [each.name for each in find(frame_id).by_kind] for kind, frame_id in ids.items()}
    assert wanted == {
        "BIAS": [],
        "DARK": ["bias"],
        "SKYFLAT": ["bias", "dark"],
        "CATALOG": [],
        "SPECTRUM": ["bias", "dark", "flat", "arc"],
    }


def test_what_is_hidden_is_not_found(archive: None) -> None:
    hidden = {"public_date": "2999-01-01T00:00:00", "proposal_id": "theirs"}
    member = Viewer(username="member", proposals=frozenset({"theirs"}))
    frame = add("EXPOSE", basename="raw")
    secret, own_secret = add("BIAS", **hidden), add("DARK", basename="secret-dark", **hidden)
    named = add("EXPOSE", related_frame_filenames=["secret-dark"])
    shown_flat = add("SKYFLAT", LAST_MONTH, "shown-flat")
    nearer = add("SKYFLAT", LAST_WEEK)
    add("EXPOSE", basename="secret-product", related_frame_filenames=["raw", "shown-flat"], **hidden)
    assert [find(frame).by_kind[kind] for kind in find(frame).missing] == [[], []]
    assert list_ids(find(named), "dark") == []
    assert list_ids(find(frame), "flat") == [nearer, shown_flat]
    assert list_ids(find(frame, member), "bias") == [secret]
    assert list_ids(find(named, member), "dark") == [own_secret]
    assert list_ids(find(frame, member), "flat") == [shown_flat]


def test_many_of_another_binning_are_no_end(archive: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.calibrations.queries.LOOKS", (1, 2, 10))
    frame = add("EXPOSE")
    for minute in range(10, 14):
        add("BIAS", f"2026-11-01T03:{minute}:00", headers={"XBINNING": 1, "YBINNING": 1})
    suiting = add("BIAS", LAST_MONTH, headers={"XBINNING": 2, "YBINNING": 2})
    assert list_ids(find(frame), "bias") == [suiting]


def test_what_has_no_instrument_has_nothing_near(archive: None) -> None:
    add("BIAS")
    found = find(add("EXPOSE", instrument_id=""))
    assert [kind.name for kind in found.missing] == ["bias", "dark", "flat"]
