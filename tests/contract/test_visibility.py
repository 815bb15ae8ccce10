"""Who sees what: the public, a proposal's members, operators; and what is hidden is 404 on every path."""

from typing import Any

import pytest

from tests.contract.stock import (
    FOREIGN,
    FRAMES,
    MEMBER,
    NO_DATE,
    NO_VERSION,
    NOBODY,
    OPERATOR,
    SCIENCE,
    SECRET,
    SEEN,
    Archive,
)

#: Every path that shows something of one frame.
PATHS_OF_A_FRAME = [
    "/frames/<int:frame_id>/",
    "/frames/<int:frame_id>/headers/",
    "/frames/<int:frame_id>/related/",
    "/frames/<int:frame_id>/calibrations",
    "/frames/<int:frame_id>/quicklook",
    "/frames/<int:frame_id>/previews/<any(small, medium, large):size>.jpg",
    "/frame-funpack/<int:frame_id>/funpack/",
    "/frame-catalog/<int:frame_id>/catalog/",
]
CONVERTED = {"/frame-funpack/<int:frame_id>/funpack/", "/frame-catalog/<int:frame_id>/catalog/"}
#: Whether the frame of SECRET2026A-001 is shown.
MAY_SEE_SECRET = {NOBODY: False, MEMBER: True, OPERATOR: True}
#: The same for every frame, where that is quick to ask.
CHEAP_PATHS = ["/frames/{id}/", "/frames/{id}/headers/", "/frames/{id}/related/"]
viewers = pytest.mark.parametrize("viewer", SEEN)


def fill(pattern: str, frame_id: int) -> str:
    return pattern.replace("<int:frame_id>", str(frame_id)).replace("<any(small, medium, large):size>", "small")


@pytest.mark.parametrize(
    ("pattern", "viewer"),
    [  # a file takes a second to convert: two viewers are enough
        (pattern, viewer)
        for pattern in PATHS_OF_A_FRAME
        for viewer in SEEN
        if pattern not in CONVERTED or viewer != OPERATOR
    ],
)
def test_path_of_a_hidden_frame(archive: Archive, pattern: str, viewer: str) -> None:
    answer = archive.get(fill(pattern, archive.ids[SECRET]), viewer)
    assert answer.status_code == (200 if MAY_SEE_SECRET[viewer] else 404)


def test_no_path_of_a_frame_is_without_a_case(archive: Archive) -> None:
    assert {rule.rule for rule in archive.app.url_map.iter_rules() if "frame_id" in rule.arguments} == set(
        PATHS_OF_A_FRAME
    )


@viewers
@pytest.mark.parametrize("path", CHEAP_PATHS)
def test_each_sees_their_own(archive: Archive, path: str, viewer: str) -> None:
    answers = {name: archive.get(path.format(id=archive.ids[name]), viewer).status_code for name in FRAMES}
    assert answers == {name: 200 if name in SEEN[viewer] else 404 for name in FRAMES}


@viewers
def test_lists_and_counts(archive: Archive, viewer: str) -> None:
    page = archive.get("/frames/", viewer).json
    assert {record["basename"] for record in page["results"]} == SEEN[viewer]
    assert page["count"] == len(SEEN[viewer])
    by_cursor = archive.list_basenames(viewer, pagination_style="cursor")
    assert set(by_cursor) == SEEN[viewer]
    assert archive.get("/frames/", viewer, limit="1", force_count="true").json["count"] == len(SEEN[viewer])


@viewers
def test_related_frames(archive: Archive, viewer: str) -> None:
    related = archive.get(f"/frames/{archive.ids[SCIENCE]}/", viewer).json["related_frames"]
    array = archive.get(f"/frames/{archive.ids[SCIENCE]}/related/", viewer).json
    assert (archive.ids[SECRET] in related) == (archive.ids[SECRET] in {record["id"] for record in array})
    assert (archive.ids[SECRET] in related) == MAY_SEE_SECRET[viewer]


@viewers
def test_aggregates(archive: Archive, viewer: str) -> None:
    proposals = archive.get("/frames/aggregate/", viewer).json["proposals"]
    assert ("SECRET2026A-001" in proposals) == MAY_SEE_SECRET[viewer]
    assert ("FOREIGN2026A-001" in proposals) == (viewer == OPERATOR)


@viewers
def test_thumbnails(archive: Archive, viewer: str) -> None:
    page = archive.get("/thumbnails/", viewer).json
    shown = {thumbnail["frame_basename"] for thumbnail in page["results"]}
    assert shown == {SCIENCE, SECRET} & SEEN[viewer]
    assert page["count"] == len(shown)
    hidden = archive.get("/thumbnails/", OPERATOR, frame_basename=SECRET).json["results"][0]["id"]
    assert archive.get(f"/thumbnails/{hidden}/", viewer).status_code == (200 if MAY_SEE_SECRET[viewer] else 404)


@viewers
def test_zips(archive: Archive, viewer: str) -> None:
    def ask(*basenames: str) -> Any:
        ids = [archive.ids[name] for name in basenames]
        return archive.post("/frames/zip/", viewer, json={"frame_ids": ids})

    assert ask(SECRET).status_code == (200 if MAY_SEE_SECRET[viewer] else 404)
    assert ask(FOREIGN).status_code == (200 if viewer == OPERATOR else 404)
    all_of_them = ask(*FRAMES)
    assert all_of_them.headers["Content-Disposition"].endswith(f"-{len(SEEN[viewer])}.zip")
    assert all(name.encode() not in all_of_them.data for name in FRAMES if name not in SEEN[viewer])


def test_a_download_link_is_the_right_itself(archive: Archive) -> None:
    url = archive.get(f"/frames/{archive.ids[SECRET]}/", MEMBER).json["url"]
    assert archive.client.get(url).status_code == 200
    assert archive.client.get(url.replace("/downloads/", "/downloads/x")).status_code == 404


@viewers
def test_public_false_adds_nothing(archive: Archive, viewer: str) -> None:
    expected = {NOBODY: set(), MEMBER: {SECRET}, OPERATOR: SEEN[OPERATOR]}
    assert set(archive.list_basenames(viewer, public="false")) == expected[viewer]


@pytest.mark.parametrize("basename", [NO_DATE, NO_VERSION])
def test_what_has_no_date_or_no_version_is_not_listed(archive: Archive, basename: str) -> None:
    assert archive.get(f"/frames/{archive.ids[basename]}/", OPERATOR).status_code == 200
    assert archive.list_basenames(OPERATOR, basename_exact=basename) == []
