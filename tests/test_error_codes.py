"""Every code with which an ingest can fail is explained, and none that no longer exists."""

import re

from app.ingest.error_codes import MEANINGS
from app.reference import PROJECT_DIR

KINDS = "archive|fits|tar|header|metadata|thumbnail|name|filetype|record|file|path|filename|worker|store|database"
CODE = re.compile(rf'"((?:{KINDS})\.[a-z_]+)"')
TABLE = "error_codes.py"


def test_every_code_is_explained() -> None:
    packages = ("app/ingest", "ingest_worker", "ocs_archive")
    modules = [module for package in packages for module in (PROJECT_DIR / package).rglob("*.py")]
    used = {code for module in modules if module.name != TABLE for code in CODE.findall(module.read_text())}
    assert used == MEANINGS.keys() - {"unforeseen"}  # which is what an error without a code gets
