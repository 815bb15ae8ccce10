"""The audit of dependencies: what fails, and what is only said."""

import json

import pytest

from tests.attacks.dependencies import judge

SOUND = {"name": "a", "version": "1", "vulns": []}
SKIPPED = {"name": "b", "skip_reason": "Dependency not found on PyPI and could not be audited: b (1)"}
BROKEN = {"name": "c", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}


@pytest.mark.parametrize(
    ("libraries", "told", "status"),
    [
        ([SOUND], "1 dependencies have no known hole.", 0),
        ([SOUND, SKIPPED], "1 dependencies are not audited, PyPI here does not know them: b.", 0),
        ([SOUND, SKIPPED, BROKEN], "c 1 has PYSEC-1, mended in 2.", 1),
    ],
)
def test_a_hole_fails_and_what_is_not_known_is_said(libraries: list[object], told: str, status: int) -> None:
    assert judge(json.dumps({"dependencies": libraries})) == (told, status)


def test_no_answer_is_no_failure() -> None:
    assert judge("Traceback …") == ("The dependencies are not audited: PyPI does not answer.", 0)
