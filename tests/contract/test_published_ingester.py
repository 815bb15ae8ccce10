"""The OCS's own client from the package index, as it is, against this archive: on a shared folder, and on S3."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.contract.conftest import PublishedClient
from tests.fits_factory import FRAME_CARDS, write_fits
from tests.live import LiveArchive
from tests.scripted_server import scripted_server

NAME = "coj1m011-kb05-20240219-0125"


def build_settings(archive: LiveArchive) -> Mapping[str, str]:
    """Return the client's settings: the archive's own store, its address and an operator's token."""
    settings = {"FILESTORE_TYPE": "local", "FILESYSTEM_STORAGE_ROOT_DIR": str(archive.data_dir / "files")}
    return settings | archive.settings | {"API_ROOT": f"{archive.url}/", "AUTH_TOKEN": archive.admin_token}


@pytest.fixture
def frames(tmp_path: Path) -> list[Path]:
    """Frames as they come: raw, reduced and packed, a mask, and one whose type only its name tells."""
    return [
        write_fits(tmp_path / f"{NAME}-e00.fits", RLEVEL=0, OBJECT="the client's"),
        write_fits(tmp_path / f"{NAME}-e91.fits", OBJECT="the client's"),
        write_fits(tmp_path / f"{NAME}-e91.fits.fz", compressed=True, OBJECT="the client's"),
        write_fits(tmp_path / "coj1m011-kb05-20240219-bpm-full_frame.fits.fz", compressed=True, OBSTYPE="BPM"),
        write_fits(tmp_path / f"{NAME}-b00.fits.fz", compressed=True, OBSTYPE="UNKNOWN", BLKUID="N/A", RLEVEL=None),
    ]


@pytest.fixture
def thumbnail(tmp_path: Path) -> dict[str, Any]:
    """What the client is told of a picture whose frame has not arrived yet."""
    picture = tmp_path / "early-e91-small.jpg"
    picture.write_bytes(b"\xff\xd8 picture")
    metadata = FRAME_CARDS | {"frame_basename": "early-e91"}
    return {"path": str(picture), "file_metadata": metadata, "is_thumbnail": True, "thumbnail_size": "small"}


@pytest.mark.parametrize("live_archive", [(), ("postgresql", "redis", "s3")], indirect=True)
def test_files_are_archived_once(
    live_archive: LiveArchive, published_client: PublishedClient, frames: list[Path], thumbnail: dict[str, Any]
) -> None:
    settings, wanted = build_settings(live_archive), [{"path": str(file)} for file in frames]
    *first, picture = published_client.ingest(settings, *wanted, thumbnail)
    assert [result["outcome"] for result in [*first, picture]] == ["archived"] * (len(frames) + 1), [*first, picture]
    for file, result in zip(frames, first, strict=True):
        content = requests.get(result["record"]["url"], timeout=60).content  # without any header
        assert content == file.read_bytes(), file.name
        frame = live_archive.request("GET", f"/frames/{result['record']['frameid']}/").json()
        assert frame["basename"] == file.name.partition(".")[0]
        assert frame["version_set"][0]["size"] is not None
    assert first[1]["record"]["frameid"] == first[2]["record"]["frameid"]
    shown = live_archive.request("GET", f"/thumbnails/{picture['record']['thumbnail_id']}/").json()
    assert (shown["frame_basename"], shown["request_id"]) == ("early-e91", 296263)
    path = shown["url"].removeprefix(live_archive.url)
    assert live_archive.request("GET", path).content == Path(thumbnail["path"]).read_bytes()
    second = published_client.ingest(settings, *wanted)
    assert {result["outcome"] for result in second} == {"NonFatalDoNotRetryError"}, second
    assert "already exists" in second[0]["said"]


@pytest.mark.parametrize("live_archive", [()], indirect=True)
def test_what_it_may_not_or_can_not_do_is_told_by_its_own_errors(
    live_archive: LiveArchive, published_client: PublishedClient, tmp_path: Path
) -> None:
    good, bad = write_fits(tmp_path / "good.fits"), write_fits(tmp_path / "bad.fits", PROPID=None)
    with scripted_server() as server:
        server.answer((503, ""))
        expected: list[tuple[dict[str, str], str]] = [
            ({"path": str(bad)}, "DoNotRetryError"),
            ({"path": str(good), "auth_token": "wrong"}, "DoNotRetryError"),
            ({"path": str(good), "auth_token": live_archive.add_user("somebody")}, "DoNotRetryError"),
            ({"path": str(good), "api_root": server.url}, "BackoffRetryError"),
            # It promises BackoffRetryError here too, and lets the error of requests out.
            ({"path": str(good), "api_root": "http://127.0.0.1:1/"}, "ConnectionError"),
        ]
        results = published_client.ingest(build_settings(live_archive), *[wanted for wanted, _ in expected])
    assert [result["outcome"] for result in results] == [outcome for _, outcome in expected], results
