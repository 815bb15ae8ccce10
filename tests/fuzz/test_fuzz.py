"""The fuzz run at a smaller size: the archive's answers are as its OpenAPI document says, whatever is asked."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from tests.fuzz.campaign import Plan, fuzz
from tests.fuzz.site import running_site

PLAN = Plan(drawn=3, most=5)
GOOD = {200, 201, 202}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # `make fuzz` asks both
def test_every_answer_is_as_the_document_says(tmp_path: Path, database_url: str, redis_url: str) -> None:
    statuses: defaultdict[str, Counter[int]] = defaultdict(Counter)
    with running_site(tmp_path, database_url, redis_url) as site:
        for operation, viewer, tally in fuzz(site, PLAN):
            assert tally.failures == {}, f"{operation} as {viewer}"
            statuses[operation] += tally.statuses
    assert sum(tallied.total() for tallied in statuses.values()) > 500
    assert sum(bool(tallied.keys() & GOOD) for tallied in statuses.values()) > len(statuses) / 2, statuses
