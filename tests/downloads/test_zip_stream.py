"""The zip itself: names that are safe and unique, and a length that holds, also beyond 4 GiB."""

import io
import zipfile
from collections.abc import Iterator

import pytest

from app.downloads.zip_stream import Member, build_zip, choose_names

MD5 = "0" * 32
BLOCK = bytes(2**20)


def build_members(count: int, size: int) -> list[Member]:
    def read() -> Iterator[bytes]:
        for offset in range(0, size, len(BLOCK)):
            yield BLOCK[: min(len(BLOCK), size - offset)]

    return [Member(f"{number}.fits", number, size, read, MD5) for number in range(count)]


def test_names_are_unique_and_safe() -> None:
    given = [
        "a.fits.fz",
        "A.fits.fz",
        "a.fits.fz",
        "../../etc/passwd",
        "a\\b\0c:d",
        "..",
        "manifest.TXT",
        "",
        "M 42é.fits",
        "m 42e\u0301.fits",
        "-rf.fits",
        "=1+1.fits",
    ]
    chosen = [
        "a.fits.fz",
        "A-2.fits.fz",
        "a-3.fits.fz",
        "_.._etc_passwd",
        "a_b_c_d",
        "_",
        "manifest-2.TXT",
        "_-2",
        "M 42é.fits",
        "m 42é-2.fits",
        "rf.fits",
        "1+1.fits",
    ]
    assert list(choose_names(given)) == chosen


@pytest.mark.parametrize(("count", "size"), [(0, 0), (3, 2**21 + 1), (500, 0)])
def test_the_length_is_known_before(count: int, size: int) -> None:
    zipped = build_zip("folder", build_members(count, size))
    length, content = len(zipped), b"".join(zipped)
    assert length == len(content)
    assert len(zipfile.ZipFile(io.BytesIO(content)).namelist()) == count + 1


def test_the_length_is_known_beyond_4_gib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zipstream.ng.crc32", lambda *_: 0)  # it takes seconds, and is as long
    zipped = build_zip("folder", build_members(1, 2**32 + 1))
    assert len(zipped) == sum(map(len, zipped))


def test_what_is_shorter_than_it_should_be_breaks_the_stream() -> None:
    (member,) = build_members(1, 10)
    member.size = 11
    with pytest.raises(RuntimeError, match="size did not match"):
        list(build_zip("folder", [member]))
