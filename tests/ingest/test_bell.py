"""Ringing for the workers where Redis does not answer."""

import pytest

from app.ingest.bell import INGEST_QUEUE, ring_where_silent
from tests.fixtures.application import MakeApp


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_redis_that_is_away_is_asked_and_told_once(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    with make_app(REDIS_URL="redis://127.0.0.1:1/0").app_context():
        ring_where_silent(INGEST_QUEUE, [1, 2, 3])
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "the queue does not answer, ingest job 1 waits in the database"
    ]
