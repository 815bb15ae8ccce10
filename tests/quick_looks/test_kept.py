"""Quick looks that are kept: found again, and the least used forgotten."""

import os
from pathlib import Path

from app.quick_looks.kept import KeptQuickLooks


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    kept = KeptQuickLooks(tmp_path / "folder", 100)
    assert (kept.find("a"), kept.find_reason("a")) == (None, None)
    kept.keep("a", b"content")
    kept.keep_reason("../b", "it holds no picture")
    assert (kept.find("a"), kept.find_reason("../b")) == (b"content", "it holds no picture")
    assert (kept.find("../b"), kept.find_reason("a")) == (None, None)


def test_the_least_used_go_first(tmp_path: Path) -> None:
    kept = KeptQuickLooks(tmp_path, 250)
    for md5 in "ab":
        kept.keep(md5, bytes(100))
    for path in tmp_path.rglob("*.look"):
        os.utime(path, (1, 1))
    assert kept.find("a")  # used just now
    kept.keep("c", bytes(100))
    assert [md5 for md5 in "abc" if kept.find(md5)] == ["a", "c"]


def test_a_folder_that_cant_be_written_costs_only_the_keeping(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    kept = KeptQuickLooks(tmp_path / "file", 250)
    kept.keep("a", b"content")
    assert kept.find("a") is None
