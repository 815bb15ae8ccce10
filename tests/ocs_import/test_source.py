"""What an archive that is copied may answer, and what is made of it."""

import datetime as dt
from collections.abc import Iterator
from email.utils import format_datetime

import pytest

from app.ocs_import.source import AnswerError, Source, SourceError, SourcePage, read_retry_after_s
from tests.scripted_server import ScriptedServer, scripted_server


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as script:
        yield script


@pytest.fixture
def source(server: ScriptedServer) -> Iterator[Source]:
    source = Source(server.url, "a token", connections=2, page_limit=10)
    yield source
    source.close()


def test_a_page_is_asked_for_by_cursor(server: ScriptedServer, source: Source) -> None:
    server.answer((200, {"next": "http://inner/frames?limit=10&cursor=a%2Bb%3D", "results": [{"id": 1}]}))
    assert source.get_page("now=") == SourcePage([{"id": 1}], "a+b=")
    ((_, path, headers, _),) = server.requests
    assert path == "/frames/?pagination_style=cursor&ordering=id&limit=10&cursor=now%3D"
    assert headers["Authorization"] == "Token a token"


@pytest.mark.parametrize("said", [{"detail": "?"}, {"results": [], "next": "http://inner/frames/?offset=10"}])
def test_what_does_not_page_by_cursor_is_no_source(server: ScriptedServer, source: Source, said: object) -> None:
    server.answer((200, said))
    with pytest.raises(SourceError, match=f"^{server.url.rstrip('/')} "):
        source.get_page("")


@pytest.mark.parametrize("answers", [[(200, "<html>")] * 2, [(200, [])], [(404, {})], [(200, {"data": None})]])
def test_what_it_does_not_give_is_one_things_fault(
    server: ScriptedServer, source: Source, answers: list[tuple[int, object]]
) -> None:
    server.answer(*answers)
    with pytest.raises(AnswerError, match="frame"):
        source.get_headers(7)


@pytest.mark.parametrize(("status", "said"), [(200, {"count": 7, "count_estimated": True}), (200, {}), (504, {})])
def test_a_count_that_is_not_exact_is_none(
    server: ScriptedServer, source: Source, status: int, said: dict[str, object]
) -> None:
    server.answer((status, said))
    assert source.find_count("frames/") is None


@pytest.mark.parametrize(("said", "waited_s"), [("2.5", 2.5), ("-1", 0), ("99999", 3600), ("soon", None), ("", None)])
def test_how_long_to_wait(said: str, waited_s: float | None) -> None:
    assert read_retry_after_s(said) == waited_s


def test_how_long_to_wait_may_be_a_date() -> None:
    waited_s = read_retry_after_s(format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=600)))
    assert waited_s == pytest.approx(600, abs=60)


@pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:1"])
def test_a_wrong_address_is_told_at_once(url: str) -> None:
    with pytest.raises(SourceError, match="does not answer"):
        Source(url, "", connections=1, page_limit=1).get_profile()
