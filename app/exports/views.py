"""What the search page offers to take home: its search as exports, as downloads, and in other programs' words."""

from collections.abc import Mapping

from flask import Blueprint, url_for
from werkzeug.datastructures import MultiDict

from app.accounts.viewer import current_viewer
from app.addresses import build_address
from app.exports.schemas import ExportSchema
from app.exports.snippets import Parameters, build_snippets
from app.params import name_fields

TABLES: Mapping[str, str] = {
    "CSV": "exports.export_csv",
    "VOTable": "exports.export_votable",
    "JSON lines": "exports.export_json_lines",
    "DS9 regions": "exports.export_regions",
}
FILES: Mapping[str, str] = {
    "Zip": "exports.export_zip",
    "Shell script": "exports.export_script",
    "List of links": "exports.export_urls",
}

Arguments = MultiDict[str, str]

blueprint = Blueprint("exports_views", __name__)


@blueprint.app_template_global()
def link_exports(which: str, search: Arguments) -> dict[str, str]:
    """Return the addresses of a search as `tables` or as `files`, by what they are called."""
    return {label: _link(endpoint, search) for label, endpoint in (TABLES if which == "tables" else FILES).items()}


@blueprint.app_template_global()
def link_cart_all(search: Arguments) -> str:
    """Return the address that puts all frames of a search into the cart."""
    return _link("carts.add_all", search)


@blueprint.app_template_global()
def copy_search_as(search: Arguments) -> dict[str, str]:
    """Return a search as a link and as programs, by what they are called."""
    return build_snippets(
        _read(search),
        url_for("frames_views.search", _external=True),
        url_for("exports.export_json_lines", _external=True),
        url_for("exports.export_votable", _external=True),
        with_token=not current_viewer().is_anonymous,
    )


def _link(endpoint: str, search: Arguments) -> str:
    return build_address(url_for(endpoint), MultiDict(_read(search)))


def _read(search: Arguments) -> Parameters:
    """Return what of an address is its search, not its page's look: the texts as they were typed."""
    known = name_fields(ExportSchema())
    texts = ((name, text.strip()) for name, text in search.items(multi=True))
    return [(name, text) for name, text in texts if name in known and text]
