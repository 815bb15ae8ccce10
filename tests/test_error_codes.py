"""Every code with which an ingest can fail is explained in the papers."""

import re

from app.reference import PROJECT_DIR

KINDS = "fits|tar|header|metadata|thumbnail|name|filetype|record|file|path|filename|worker|store|database"
CODE = re.compile(rf'"((?:{KINDS})\.[a-z_]+)"')


def test_every_code_is_explained() -> None:
    packages = ("app/ingest", "ingest_worker", "ocs_archive")
    modules = [module for package in packages for module in (PROJECT_DIR / package).rglob("*.py")]
    used = {code for module in modules for code in CODE.findall(module.read_text())}
    explained = set(re.findall(r"`([a-z]+\.[a-z_]+)`", (PROJECT_DIR / "docs/ingest-errors.md").read_text()))
    assert used == explained
