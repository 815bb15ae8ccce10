"""Zips, uncompressed frames and catalogues: what the contract says of them. Their bytes are tested elsewhere."""

import dataclasses
import datetime as dt
import io
import zipfile
from typing import Any

import pytest
from astropy.io import fits

from tests.contract.stock import BIAS, MEMBER, NOBODY, SCIENCE, SECRET, Archive


def ask(archive: Archive, *basenames: str, viewer: str = NOBODY, **options: Any) -> Any:
    ids = [archive.ids[name] for name in basenames]
    return archive.post("/frames/zip/", viewer, json={"frame_ids": ids, **options})


def read_names(answer: Any) -> set[str]:
    """Return the names of a zip's files, less their folder, which all share."""
    assert answer.status_code == 200, answer.text
    paths = [name.split("/") for name in zipfile.ZipFile(io.BytesIO(answer.data)).namelist()]
    folder = answer.headers["Content-Disposition"].removeprefix("attachment; filename=").removesuffix(".zip")
    assert {path[0] for path in paths} == {folder}
    return {path[1] for path in paths} - {"MANIFEST.txt"}


def test_the_zip_its_name_and_its_cookie(archive: Archive) -> None:
    answer = ask(archive, SCIENCE, BIAS)
    base = archive.app.config["ARCHIVE"].zip_download_filename_base
    name = f"{base}-{dt.datetime.now(dt.UTC):%Y%m%d}-2.zip"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    assert answer.headers["Set-Cookie"].lower() == "filedownload=true; path=/"
    assert read_names(answer) == {f"{SCIENCE}.fits.fz", f"{BIAS}.fits.fz"}


@pytest.mark.parametrize("names", [("frame_ids", "frame_ids"), ("frame_ids[0]", "frame_ids[1]")])
def test_a_form(archive: Archive, names: tuple[str, str]) -> None:
    pairs = list(zip(names, [str(archive.ids[name]) for name in (SCIENCE, BIAS)], strict=True))
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    answer = archive.post("/frames/zip/", data=form | {"uncompress": "false", "auth_token": ""})
    assert read_names(answer) == {f"{SCIENCE}.fits.fz", f"{BIAS}.fits.fz"}


def test_auth_token(archive: Archive) -> None:
    token = archive.headers[MEMBER]["Authorization"].split()[1]
    assert read_names(ask(archive, SECRET, auth_token=token)) == {f"{SECRET}.fits.fz"}
    assert ask(archive, SECRET, auth_token="").status_code == 404
    assert ask(archive, SCIENCE, auth_token="unknown").status_code == 404


def test_uncompress_and_catalog_only(archive: Archive) -> None:
    assert read_names(ask(archive, SCIENCE, uncompress=True)) == {f"{SCIENCE}.fits"}
    (name,) = read_names(ask(archive, SCIENCE, catalog_only=True))
    assert name.startswith(SCIENCE)


def test_more_than_ten_are_not_uncompressed(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    config = archive.app.config["ARCHIVE"]
    assert config.zip_download_max_uncompressed_files == 10
    monkeypatch.setitem(
        archive.app.config, "ARCHIVE", dataclasses.replace(config, zip_download_max_uncompressed_files=1)
    )
    answer = ask(archive, SCIENCE, BIAS, uncompress=True)
    assert answer.status_code == 400
    assert "uncompress" in answer.json


def test_one_uncompressed_and_its_catalogue(archive: Archive) -> None:
    frame_id = archive.ids[SCIENCE]
    for path, names in (
        (f"/frame-funpack/{frame_id}/funpack/", ["PRIMARY", "SCI", "CAT", "ERR"]),
        (f"/frame-catalog/{frame_id}/catalog/", ["SCI", "CAT"]),
    ):
        with fits.open(io.BytesIO(archive.get(path).data)) as hdus:
            assert [hdu.name for hdu in hdus] == names
            assert hdus["CAT"].data["x"].tolist() == [1.5, 3.5]
