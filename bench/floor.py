"""The floor of ingest: a bare process that reads, hashes and copies files, and does nothing else.

``python -m bench.floor PLACE FILE…`` copies files to a folder, each synced to the disk, or to a bucket, whose address
begins with http. It prints what that took as JSON. Starting and connecting do not count: the first file goes uncounted.
"""

import hashlib
import json
import os
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path

import boto3
from botocore.config import Config

BLOCK_BYTES = 2**20


def copy_to_folder(folder: Path, source: Path) -> None:
    md5 = hashlib.md5(usedforsecurity=False)
    with source.open("rb") as content, (folder / source.name).open("xb") as copy:
        while block := content.read(BLOCK_BYTES):
            md5.update(block)
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())


def copy_to_bucket(s3: "boto3.client.S3", bucket: str, source: Path) -> None:
    """Send a file in one request with its md5: `upload_fileobj`, in parts with checksums of their own, takes more."""
    with source.open("rb") as content:
        md5 = hashlib.file_digest(content, partial(hashlib.md5, usedforsecurity=False))
        content.seek(0)
        s3.put_object(Bucket=bucket, Key=source.name, Body=content, ContentMD5=b64encode(md5.digest()).decode())


def find_copy(place: str) -> Callable[[Path], None]:
    if not place.startswith("http"):
        return partial(copy_to_folder, Path(place))
    endpoint_url, _, bucket = place.rpartition("/")
    s3 = boto3.client("s3", endpoint_url=endpoint_url, config=Config(request_checksum_calculation="when_required"))
    return partial(copy_to_bucket, s3, bucket)


def measure(copy: Callable[[Path], None], files: list[Path]) -> dict[str, float]:
    """Copy files; return the seconds that all but the first took, by the clock and of the processor."""
    copy(files[0])
    wall_s, cpu_s = time.monotonic(), time.process_time()
    for file in files[1:]:
        copy(file)
    return {"wall_s": time.monotonic() - wall_s, "cpu_s": time.process_time() - cpu_s}


if __name__ == "__main__":
    print(json.dumps(measure(find_copy(sys.argv[1]), [Path(name) for name in sys.argv[2:]])))
