"""``/redoc/``: the document as a page, which needs no script and no other server."""

from flask import Blueprint, render_template

from app.openapi.api import describe_archive
from app.openapi.reference import build_sections, list_fields, name_type

blueprint = Blueprint("openapi_views", __name__)
blueprint.add_app_template_filter(list_fields, "schema_fields")
blueprint.add_app_template_filter(name_type, "schema_type")


@blueprint.get("/redoc/")
def show_reference() -> str:
    """What programs can ask, for people."""
    document = describe_archive()
    return render_template("openapi/reference.html", document=document, sections=build_sections(document))
