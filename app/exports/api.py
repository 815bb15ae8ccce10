"""All frames of a search, not a page of them: as tables, records, regions, links, a script, or a zip; and fresh links.

Links are asked for by POST, because of their many MD5s, and only read: as for zips, a session counts, and no CSRF token
is asked for.
"""

from flask import Blueprint, Response

from app.accounts.viewer import current_viewer
from app.downloads.api import respond_zip
from app.exports.actions import respond_export
from app.exports.queries import list_links as list_links_by_md5
from app.exports.schemas import ExportSchema, LinksSchema
from app.frames.lists import list_all_ids
from app.params import parse_form, parse_query

blueprint = Blueprint("exports", __name__)  # its name does not end in _api: a session counts for its POST


@blueprint.get("/export.csv")
def export_csv() -> Response:
    """All frames of a search as CSV."""
    return _export("csv")


@blueprint.get("/export.vot")
def export_votable() -> Response:
    """All frames of a search as a VOTable."""
    return _export("vot")


@blueprint.get("/export.jsonl")
def export_json_lines() -> Response:
    """All frames of a search as JSON, a record a line."""
    return _export("jsonl")


@blueprint.get("/export.reg")
def export_regions() -> Response:
    """The footprints of all frames of a search as regions for DS9."""
    return _export("reg")


@blueprint.get("/export.txt")
def export_urls() -> Response:
    """Links of the newest files of all frames of a search, one a line."""
    return _export("txt")


@blueprint.get("/export.sh")
def export_script() -> Response:
    """A shell script that downloads the newest files of all frames of a search."""
    return _export("sh")


@blueprint.get("/export.zip")
def export_zip() -> Response:
    """The newest files of all frames of a search in one zip."""
    viewer = current_viewer()
    return respond_zip(viewer, list_all_ids(viewer, parse_query(ExportSchema())))


@blueprint.post("/links/")
def list_links() -> Response:
    """Links of files that are known by their MD5s: lines of an MD5, a tab and a link."""
    links = list_links_by_md5(current_viewer(), parse_form(LinksSchema())["md5"])
    return Response("".join(f"{md5}\t{link}\n" for md5, link in links.items()), mimetype="text/plain")


def _export(ending: str) -> Response:
    viewer = current_viewer()
    return respond_export(viewer, ending, list_all_ids(viewer, parse_query(ExportSchema())))
