"""The document's examples are what the archive answers; `WRITE_EXAMPLES=1 pytest` of this file writes them anew."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from app.openapi.api import EXAMPLES
from app.openapi.operations import JSON
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Work
from tests.openapi.observatory import REQUESTS, Observatory

A_TIME = "2026-11-20T03:15:00.000000Z"
#: What differs from run to run, or with the version of a library.
CHANGING = {
    **dict.fromkeys(("created", "modified", "generated_at", "started", "finished", "due"), A_TIME),
    **dict.fromkeys(("read_s", "store_s", "database_s"), 0.05),
    "md5": "5d41402abc4b2a76b9719d911017c592",
    "key": "5d41402abc4b2a76b9719d911017c592",
    "token": "a-token",
    "worker": "archive-1:4711",
}
#: These, only where they are of this type.
CHANGING_BY_TYPE = {("size", int): 1_048_576, ("request_id", str): "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}
DOWNLOAD_TOKEN = re.compile(r"(?<=/downloads/)[^/]+|(?<=/pictures/)[^/]+")
UNSHOWN = {"openapi_api.show_document"}  # it would hold itself


def steady(value: Any, name: str = "") -> Any:
    """Replace what is different in each run."""
    if isinstance(value, dict):
        return {key: steady(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [steady(part) for part in value]
    if not value:
        return value
    fixed = CHANGING.get(name, CHANGING_BY_TYPE.get((name, type(value)), value))
    return DOWNLOAD_TOKEN.sub("a-signed-token", fixed) if isinstance(fixed, str) else fixed


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # one engine's decimals in the footprints
def test_the_examples_are_what_the_archive_answers(make_app: MakeApp, work: Work, tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    observatory = Observatory(make_app, tmp_path / "incoming")
    observatory.fill(work)
    examples: dict[str, Any] = {}
    for endpoint, request in REQUESTS.items():
        answer = observatory.ask(endpoint)
        examples[endpoint] = {} if "{" in request.path else {"path": request.path}
        if request.json is not None:
            examples[endpoint]["json"] = json.loads(json.dumps(request.json).replace("{incoming}", "/incoming"))
        if answer.mimetype == JSON and endpoint not in UNSHOWN:
            text = answer.text.replace(str(observatory.incoming), "/incoming")
            examples[endpoint]["answer"] = steady(json.loads(text))
        if endpoint == "accounts_api.replace_token":
            observatory.headers = {"Authorization": f"Token {answer.json['token']}"}
    if os.environ.get("WRITE_EXAMPLES"):
        EXAMPLES.write_text(json.dumps(examples, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert examples == json.loads(EXAMPLES.read_text(encoding="utf-8"))
