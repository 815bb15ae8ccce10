"""Thumbnails, which have metadata only."""

import io

import pytest

from ocs_archive.input.file import File, FileSpecificationException
from ocs_archive.input.thumbnailfile import ThumbnailFile

METADATA = {
    "frame_basename": "coj1m011-kb05-20240219-0125-e91",
    "size": "small",
    "DATE-OBS": "2024-02-19T13:56:05",
    "DAY-OBS": "20240219",
    "INSTRUME": "kb05",
    "SITEID": "coj",
    "TELID": "1m0a",
}


def make(name: str = "a-small.jpg", **metadata) -> ThumbnailFile:
    return ThumbnailFile(File(io.BytesIO(b"jpeg"), name), METADATA | metadata)


def test_thumbnail_names_its_frame_and_size():
    record = make().get_header_data().get_archive_frame_data()
    assert (record["frame_basename"], record["size"]) == (METADATA["frame_basename"], "small")
    assert make().get_filestore_path() == "coj/kb05/20240219/thumbnails/a-small.jpg"


@pytest.mark.parametrize(("name", "content_type"), [("a.jpg", "image/jpg"), ("a.jpeg", "image/jpeg")])
def test_content_type_follows_the_extension(name, content_type):
    assert make(name).get_filestore_content_type() == content_type


@pytest.mark.parametrize("key", METADATA)
def test_missing_metadata_are_named(key):
    metadata = {name: value for name, value in METADATA.items() if name != key}
    with pytest.raises(FileSpecificationException, match=f"headers: {key}\\."):
        ThumbnailFile(File(io.BytesIO(), "a.jpg"), metadata)


def test_thumbnail_without_metadata():
    with pytest.raises(FileSpecificationException, match=r"a\.jpg") as caught:
        ThumbnailFile(File(io.BytesIO(), "a.jpg"))
    assert caught.value.code == "metadata.missing"


def test_required_metadata_come_from_the_settings(monkeypatch):
    monkeypatch.setenv("REQUIRED_THUMBNAIL_METADATA", "frame_basename,colour")
    with pytest.raises(FileSpecificationException, match="colour"):
        make()
