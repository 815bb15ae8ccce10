"""The search page and a frame's page: what they show, to whom, and where their links lead."""

import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.downloads.actions import redeem_link
from app.extensions import db, get_file_store
from app.frames.actions import save_thumbnail
from app.frames.schemas import NewFrameSchema
from app.ingest.models import IngestJob, PreviewState
from ocs_archive.input.file import File
from ocs_archive.input.thumbnailfile import ThumbnailFile
from tests.fixtures.ingest import Headers
from tests.frames_factory import A_FRAME, add_frame, build_version, square
from tests.html_page import get_page

SECRET = {"proposal_id": "SECRET2026A-001", "public_date": "2100-01-01"}
JPEG = b"\xff\xd8 a picture"


@pytest.fixture
def frame_id(app: Flask) -> int:
    """A frame at RA 0, made from one frame and used by another."""
    with app.app_context():
        add_frame("raw-e00")
        frame_id = add_frame(
            "middle-e91",
            contents=("first", "second"),
            related_frame_filenames=["raw-e00"],
            area=square(0, 20, 2),
            reduction_level=91,
            headers={"OBJECT": "M 42", "FILTER": "rp", "SIMPLE": True},
        )
        add_frame("catalog-e91", related_frame_filenames=["middle-e91"])
    return frame_id


def add_preview(basename: str, size: str = "small", frame: Any = None) -> None:
    metadata = {
        **{"frame_basename": basename, "size": size, "DATE-OBS": "2026-11-01T03:00:00", "DAY-OBS": "20261101"},
        **{"INSTRUME": "fa01", "SITEID": "cpt", "TELID": "1m0a"},
    }
    picture = ThumbnailFile(File(io.BytesIO(JPEG), f"{basename}-{size}.jpg"), metadata)
    stored = get_file_store().store_file(picture)
    save_thumbnail(basename, size, frame, width=56, height=56, store_path=picture.get_filestore_path(), **stored)
    db.session.commit()


def test_the_search_page_begins_with_the_newest_frames(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        add_frame("older", observation_date="2026-11-01T03:00:00")
        add_frame("newer", observation_date="2026-11-02T03:00:00", target_name="NGC 253", exposure_time=0.5)
    page = get_page(client, "/")
    assert "Newest frames" in page.text
    assert "1–2 of 2 frames" in page.text
    assert re.search("NGC 253 newer .* M 42 older", page.text)
    assert re.search(r"2026-11-02 03:00:00 rp 0.5 fa01 cpt 1m0a OPEN2026A-001 EXPOSE 0 1 kB", page.text)


def test_a_frame_that_is_not_public_shows_to_its_members_with_its_date(
    app: Flask, client: FlaskClient, as_member: Headers
) -> None:
    with app.app_context():
        secret_id = add_frame("secret", **SECRET)
    assert "secret" not in get_page(client, "/").text
    assert get_page(client, f"/frames/{secret_id}/").status == 404
    assert "secret public on 2100-01-01" in get_page(client, "/", as_member).text
    page = get_page(client, f"/frames/{secret_id}/", as_member)
    assert "secret public on 2100-01-01" in page.text
    assert "Public on 2100-01-01 00:00:00" in page.text


def test_only_my_proposals(app: Flask, client: FlaskClient, as_member: Headers) -> None:
    with app.app_context():
        add_frame("secret", **SECRET)
        add_frame("open")
    assert "Only my proposals" not in get_page(client, "/").text
    page = get_page(client, "/?public=false", as_member)
    assert page.fields["public"] == "false"
    assert "Remove Only my proposals ×" in page.links
    assert "1–1 of 1 frames" in page.text


@pytest.mark.parametrize(
    ("query", "condition", "query_without"),
    [
        ("target_name=M42&site_id=cpt&offset=25", "Target: M42", "?site_id=cpt"),
        ("OBJECT=M42", "Target: M42", ""),
        ("exposure_time=30", "Exposure at least: 30 s", ""),
        ("exclude_calibrations=true", "Without calibrations", ""),
        ("exclude_OBSTYPE=BIAS&exclude_OBSTYPE=DARK", "Not of type: BIAS, DARK", ""),
        ("position=M+42&radius=0.5&limit=50", "Within 0.5° of M 42", "?limit=50"),
        ("ra=83.8&dec=-5.4", "Covers 83.8 -5.4", ""),
    ],
)
def test_each_condition_has_a_link_that_removes_it(
    client: FlaskClient, query: str, condition: str, query_without: str
) -> None:
    page = get_page(client, f"/?{query}")
    assert page.links[f"Remove {condition} ×"] == f"/{query_without}"
    assert "No frame that you may see meets" in page.text


@pytest.mark.parametrize(
    ("query", "field", "text"),
    [
        ("primary_optical_element=V", "primary_optical_element", "V"),
        ("FILTER=V", "primary_optical_element", "V"),
        ("ra=83.8&dec=5.4", "position", "83.8 +5.4"),
        ("target_name=%22%3E%3Cscript%3E", "target_name", '"><script>'),
        ("covers=POINT(83.8+-5.4)", "covers", "POINT(83.8 -5.4)"),
        ("ordering=exposure_time", "ordering", "exposure_time"),
    ],
)
def test_the_form_keeps_what_was_asked(client: FlaskClient, query: str, field: str, text: str) -> None:
    assert get_page(client, f"/?{query}").fields[field] == text


def test_a_new_search_begins_at_its_first_page(client: FlaskClient) -> None:
    assert "offset" not in get_page(client, "/?offset=25&limit=25").fields


def test_rare_fields_are_folded_away_until_one_is_set(client: FlaskClient) -> None:
    assert '<details id="more">' in get_page(client, "/?site_id=cpt&q=M42").html
    assert '<details id="more" open>' in get_page(client, "/?REQNUM=91").html


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("radius=2", "radius", "A radius needs a position, or ra and dec."),
        ("position=1+2+3", "position", "is half a position"),
        ("ra=10", "position", "A cone's centre needs both ra and dec."),
        ("REQNUM=x", "request_id", "Not a valid integer."),
    ],
)
def test_a_fault_stands_at_its_field(client: FlaskClient, query: str, field: str, message: str) -> None:
    page = get_page(client, f"/?{query}&target_name=M+42")
    assert page.status == 400
    assert page.text.count(message) == 2  # at the top and at the field
    assert f'id="error-{field}"' in page.html
    assert page.fields["target_name"] == "M 42"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("site=cpt", "site : There is no such parameter; did you mean site_id?"),
        ("ordering=colour", "ordering : Must be one of: id"),
        (f"include_configuration_type={'x' * 300}", "include_configuration_type : Must be at most 200"),
    ],
)
def test_a_fault_without_a_field_can_be_left_out(client: FlaskClient, query: str, message: str) -> None:
    page = get_page(client, f"/?{query}&limit=25")
    assert page.status == 400
    assert message in page.text
    assert page.links["Leave it out"] == "/?limit=25"
    assert query.partition("=")[0] not in page.fields  # the next search is made without it


def test_a_position_is_told_as_it_was_read(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        add_frame("orion", area=square(83.8, -5.4, 1))
        add_frame("elsewhere", area=square(120, 40, 1))
    page = get_page(client, "/?position=M42&radius=0.1")
    assert "Position: M 42 · NGC 1976 (OpenNGC), 05h35m" in page.text
    assert "1–1 of 1 frames" in page.text


def test_pages_sizes_and_orders_are_links(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        for number in range(3):
            add_frame(f"frame-{number}", exposure_time=number)
    page = get_page(client, "/?limit=2&ordering=exposure_time&site_id=cpt")
    assert "1–2 of 3 frames" in page.text
    assert page.links["Next"] == "/?limit=2&ordering=exposure_time&site_id=cpt&offset=2"
    assert page.links["Exposure (s)"] == "/?limit=2&site_id=cpt&ordering=-exposure_time"
    assert page.links["50"] == "/?ordering=exposure_time&site_id=cpt&limit=50"
    last = get_page(client, page.links["Next"])
    assert "frame-2" in last.text
    assert last.links["Previous"] == "/?limit=2&ordering=exposure_time&site_id=cpt"
    beyond = get_page(client, "/?offset=100")
    assert "There are only 3 frames" in beyond.text


def test_the_box_says_how_it_was_read_and_offers_the_other_readings(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        add_frame("orion-e91", area=square(83.8, -5.4, 1))
        add_frame("elsewhere-e91", area=square(120, 40, 1), proposal_id="M42")
    page = get_page(client, "/?q=M+42+6'&site_id=cpt")
    assert "Read as object M 42 · NGC 1976 (OpenNGC): frames within 0.1° of 05h35m" in page.text
    assert "1–1 of 1 frames" in page.text
    assert page.fields["q"] == "M 42 6'"
    assert page.fields["site_id"] == "cpt"  # the next search keeps it
    assert page.links["Remove Within 0.1° of M 42 ×"] == "/?site_id=cpt"
    assert page.links["target"] == "/?site_id=cpt&target_name=M+42+6%27"
    assert [record["basename"] for record in client.get(page.links["JSON"]).json["results"]] == ["orion-e91"]
    page = get_page(client, "/?q=m42")
    assert "Read as proposal M42" in page.text
    assert "elsewhere-e91" in page.text
    assert page.links["object M 42 · NGC 1976"] == "/?position=m42"


def test_what_the_box_can_not_be_read_as_stands_at_the_box(client: FlaskClient) -> None:
    page = get_page(client, "/?q=5:35:17&site_id=cpt")
    assert page.status == 400
    assert page.text.count("is half a position") == 2
    assert (page.fields["q"], page.fields["site_id"]) == ("5:35:17", "cpt")
    assert get_page(client, "/?q=M42&q=M31").status == 400


def test_facets_count_and_toggle_their_values(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        add_frame("a", site_id="cpt", primary_optical_element="rp")
        add_frame("b", site_id="lsc", primary_optical_element="rp")
        add_frame("c", site_id="lsc", primary_optical_element="gp")
    page = get_page(client, "/?FILTER=gp&limit=50&offset=50")
    assert page.links["cpt 0"] == "/?FILTER=gp&limit=50&site_id=cpt"
    assert page.links["lsc 1"] == "/?FILTER=gp&limit=50&site_id=lsc"
    assert page.links["rp 2"] == "/?limit=50&primary_optical_element=gp&primary_optical_element=rp"
    assert page.links["gp 1"] == "/?limit=50"
    both = get_page(client, page.links["rp 2"])
    assert "1–3 of 3 frames" in both.text
    assert both.links["Remove Filter: rp ×"] == "/?limit=50&primary_optical_element=gp"


def test_a_facet_takes_the_place_of_what_the_box_said_of_it(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        add_frame("a", proposal_id="P-1")
        add_frame("b", proposal_id="P-2")
    links = get_page(client, "/?q=p-1&site_id=cpt").links
    assert links["P-2 1"] == "/?site_id=cpt&proposal_id=P-1&proposal_id=P-2"
    assert links["Remove Proposal: P-1 ×"] == "/?site_id=cpt"
    assert "q=p-1" in links["Time (UTC)"]


def test_nothing_found_names_what_is_in_the_way(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        add_frame("orion", area=square(83.8, -5.4, 1))
        add_frame("bias", configuration_type="BIAS", site_id="lsc")
    page = get_page(client, "/?site_id=cpt&configuration_type=BIAS&start=2026-01-01")
    assert "Without “Site: cpt” : 1 frame" in page.text
    assert "From" not in page.text.partition("meets all of these")[2]
    assert "1–1 of 1" in get_page(client, page.links["Without “Site: cpt”"]).text
    page = get_page(client, "/?q=M42&configuration_type=BIAS")
    assert page.links["Without “Covers M42”"] == "/?configuration_type=BIAS"
    page = get_page(client, "/?q=83.8+-4.5&position=&site_id=cpt")  # as a form without a script sends it
    assert "1–1 of 1" in get_page(client, page.links["Within 0.5° of the position"]).text
    assert "at least two are in the way" in get_page(client, "/?site_id=x&proposal_id=y").text


def test_the_table_is_as_a_person_likes_it(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        add_frame("a", area=square(10, 20, 2))
    form = {"columns": ["target_name", "observation_date", "centre"], "times": "mjd", "density": "compact"}
    answer = client.post("/preferences", data=form | {"theme": "red", "back": "/?site_id=cpt"})
    assert answer.headers["Location"] == "/?site_id=cpt"
    page = get_page(client, answer.headers["Location"])
    assert "Target Time (MJD) Centre (ICRS) M 42 a 61345.12500 00h40m00.0s +20°" in page.text
    assert '<html lang="en" data-theme="red"' in page.html
    assert 'class="cards compact"' in page.html
    assert client.post("/preferences", data={"keys": "off", "back": "//evil"}).headers["Location"] == "/"
    evil = client.post("/preferences", data={"theme": "dark"}, headers={"Origin": "https://evil.example"})
    assert (evil.status_code, evil.json["code"]) == (400, "csrf")
    own = client.post("/preferences", data={"density": "compact"}, headers={"Origin": "http://localhost"})
    assert own.status_code == 302
    page = get_page(client, "/")
    assert "data-keys" not in page.html
    assert 'data-theme="red"' in page.html  # the others stay
    assert "Time (MJD)" in page.text


def test_each_example_of_the_help_page_works(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        add_frame("an-e91")
    page = get_page(client, "/help")
    examples = {text: address for text, address in page.links.items() if address.startswith("/?")}
    assert len(examples) >= 12
    assert all(get_page(client, address).status == 200 for address in examples.values())
    assert "1–1 of 1" in get_page(client, examples["an-e91"]).text


def test_the_json_link_makes_the_same_search(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        frame_id = add_frame("found", target_name="Ceres")
        add_frame("other")
    address = get_page(client, "/?target_name=ceres").links["JSON"]
    assert [frame["id"] for frame in client.get(address).json["results"]] == [frame_id]


def test_nothing_that_a_header_says_is_taken_for_html(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        frame_id = add_frame("a" * 80, target_name="<script>α</script>", headers={"OBJECT": "<script>α</script>"})
    for path in ("/", f"/frames/{frame_id}/"):
        page = get_page(client, path)
        assert "<script>α" in page.text
        assert "<script>α" not in page.html


def test_a_frame_page_tells_the_facts(client: FlaskClient, frame_id: int) -> None:
    page = get_page(client, f"/frames/{frame_id}/")
    assert "middle-e91 · Science Archive" in page.text
    assert "Centre (ICRS) 00h00m00.0s +20°00′" in page.text
    assert "0.00000° +20." in page.text
    assert re.search(r"Size on the sky 1\.\d\d° × 2\.\d\d°", page.text)
    assert "Exposure 60 s" in page.text
    assert "Level 91 (reduced)" in page.text
    assert "Footprint on the sky" in page.text


def test_a_frame_page_leads_on(client: FlaskClient, frame_id: int) -> None:
    links = get_page(client, f"/frames/{frame_id}/").links
    likes = ("Near this one (1.40°)", "Same target", "Same request", "Same night")
    for text in ("Frames at this position", "M 42", "2000", "2026-11-01", "1000", *likes):
        assert "middle-e91" in get_page(client, links[text]).text
    assert links["The night as a whole"] == "/nights/2026-11-01"
    assert client.get(links["record"]).json["id"] == frame_id
    assert client.get(links["header"]).json["data"]["FILTER"] == "rp"


def test_a_frame_page_leads_to_what_its_instrument_took_before_and_after(
    app: Flask, client: FlaskClient, as_member: Headers
) -> None:
    with app.app_context():
        minutes = {"first": 1, "secret": 2, "third": 3, "fourth": 4}
        for name, minute in minutes.items():
            fields = SECRET if name == "secret" else {}
            add_frame(name, observation_date=f"2026-11-01T03:0{minute}:00", **fields)
        add_frame("elsewhere", observation_date="2026-11-01T03:03:10", instrument_id="fa02")
        add_frame("reduced", observation_date="2026-11-01T03:03:00", reduction_level=91)
    third = get_page(client, "/").links["M 42 third"]
    page = get_page(client, third)
    assert get_page(client, page.links["Before first"]).links["After third"] == third
    assert get_page(client, page.links["After fourth"]).links["Before third"] == third
    assert not any(text.startswith("After") for text in get_page(client, page.links["After fourth"]).links)
    assert "Before secret" in get_page(client, third, as_member).links


def test_related_frames_in_both_directions(client: FlaskClient, frame_id: int) -> None:
    text = get_page(client, f"/frames/{frame_id}/").text
    assert re.search(r"Made from .* raw-e00 .* Used by .* catalog-e91 .* Versions", text)


def test_versions_the_newest_first(app: Flask, client: FlaskClient, frame_id: int) -> None:
    page = get_page(client, f"/frames/{frame_id}/")
    first, second = (build_version("middle-e91", content)["md5"] for content in ("first", "second"))
    assert re.search(rf"Versions .* {second} .* {first}", page.text)
    token = page.links["Download 1 kB middle-e91.fits.fz"].split("/")[-2]
    newest = client.get(f"/frames/{frame_id}/").json["version_set"][0]
    with app.app_context():
        assert redeem_link(token) == newest["id"]


def test_the_header_is_filtered_on_the_server(client: FlaskClient, frame_id: int) -> None:
    whole = get_page(client, f"/frames/{frame_id}/").text
    assert all(line in whole for line in ("OBJECT M 42", "FILTER rp", "SIMPLE T"))
    page = get_page(client, f"/frames/{frame_id}/?header=fil")
    assert page.fields["header"] == "fil"
    assert "Filter Copy all of it Keyword Value FILTER rp Auto Light" in page.text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (None, "There is no preview."),
        (PreviewState.OWED, "The preview is being made."),
        (PreviewState.NO_PICTURE, "This file holds no picture."),
        (PreviewState.FAILED, "The preview could not be made."),
    ],
)
def test_a_missing_preview_says_why(app: Flask, client: FlaskClient, state: PreviewState | None, words: str) -> None:
    with app.app_context():
        frame_id = add_frame("blind")
        if state:
            names = {"filename": "blind.fits", "filepath": "/blind.fits", "is_upload": False}
            db.session.add(IngestJob(**names, frame_id=frame_id, preview_state=state, created=db.func.now()))
            db.session.commit()
    assert words in get_page(client, f"/frames/{frame_id}/").text


def test_a_preview_is_shown_to_those_who_see_its_frame(app: Flask, client: FlaskClient, as_member: Headers) -> None:
    with app.app_context():
        frame_id = add_frame("secret", **SECRET)
        add_preview("secret")
    picture = f"/frames/{frame_id}/previews/small.jpg"
    assert picture in get_page(client, "/", as_member).html
    assert client.get(picture, headers=as_member).data == JPEG
    assert client.get(picture).json["code"] == "thumbnail_not_found"


def test_an_operator_sees_a_frame_that_has_not_arrived(app: Flask, client: FlaskClient, as_operator: Headers) -> None:
    with app.app_context():
        add_frame("early", related_frame_filenames=["late"])
    frame_id = client.get("/frames/", headers=as_operator).json["results"][0]["related_frames"][0]
    assert "The file has not arrived yet" in get_page(client, f"/frames/{frame_id}/", as_operator).text


def test_a_picture_of_any_size_is_shown(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        frame_id = add_frame("a-frame")
        add_preview("a-frame", "medium")
    picture = f"/frames/{frame_id}/previews/medium.jpg"
    assert all(picture in get_page(client, path).html for path in ("/", f"/frames/{frame_id}/"))
    with app.app_context():
        add_preview("a-frame", "large")
    assert "/previews/large.jpg" in get_page(client, f"/frames/{frame_id}/").html
    assert picture in get_page(client, "/").html


def test_a_picture_that_came_before_its_frame_says_so(app: Flask, client: FlaskClient, as_operator: Headers) -> None:
    known = NewFrameSchema().load({**A_FRAME, "basename": "early"})
    with app.app_context():
        add_preview("early", frame=known)
        add_preview("unknown")
    page = get_page(client, "/frames/1/")
    assert "The file has not arrived yet. Until it does, this is what came with its picture." in page.text
    assert "Target M 42" in page.text
    assert "/previews/small.jpg" in page.html
    assert "Keyword or value" not in page.html
    assert "Target M 42" not in get_page(client, "/frames/2/", as_operator).text


def test_one_address_gives_a_page_to_browsers_and_json_to_programs(client: FlaskClient, frame_id: int) -> None:
    address = f"/frames/{frame_id}/"
    assert client.get(address).json["id"] == frame_id
    assert client.get(f"{address}?format=json", headers={"Accept": "text/html"}).json["id"] == frame_id
    answer = client.get(address, headers={"Accept": "text/html"})
    assert answer.mimetype == "text/html"
    assert "Accept" in answer.headers["Vary"]


def test_a_page_loads_nothing_from_elsewhere_and_runs_nothing_of_its_own(client: FlaskClient, frame_id: int) -> None:
    for path in ("/", f"/frames/{frame_id}/", "/login", "/frames/0/"):
        answer = client.get(path, headers={"Accept": "text/html"})
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert not re.search(r'<script(?! type="module" src="/static)|<style| style=| on[a-z]+="', answer.text)
