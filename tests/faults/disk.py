"""A small disk that can be full: a file system in memory, mounted where nobody else sees it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HAS_OWN_MOUNTS = "FAULTS_HAS_OWN_MOUNTS"  # set in the environment of a process that may mount
BLOCK = bytes(2**16)


def take_own_mounts() -> None:
    """Start this program again where it may mount what nobody else sees; do nothing where Linux does not let us.

    root may; others may as the root of a user namespace of their own, if the machine allows those.
    """
    if HAS_OWN_MOUNTS in os.environ:
        return
    unshare = ["unshare", "--mount"]
    if os.geteuid() != 0:
        unshare += ["--user", "--map-current-user", "--keep-caps"]
    with tempfile.TemporaryDirectory() as folder:
        probe = [*unshare, "mount", "-t", "tmpfs", "none", folder]
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            os.environ[HAS_OWN_MOUNTS] = "1"
            os.execvp("unshare", [*unshare, sys.executable, *sys.orig_argv[1:]])


class SmallDisk:
    """A file system of its own, at a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def filled(self) -> Iterator[None]:
        """Leave no room on the disk."""
        ballast = self.folder / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(BLOCK):
                    pass
            except OSError:
                pass  # full
        try:
            yield
        finally:
            ballast.unlink()


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[SmallDisk | None]:
    """Mount a disk of a size at a folder; None, and the folder is as before, where this process may not mount."""
    if HAS_OWN_MOUNTS not in os.environ:
        yield None
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "none", folder], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
