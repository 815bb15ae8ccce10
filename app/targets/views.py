"""Lists of targets: the page, its answers as tables, and the same for programs.

They are posted because they are long, and only read: a session counts, and no CSRF token is asked for.
"""

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from app.accounts.viewer import current_viewer
from app.addresses import build_address
from app.errors import BadRequest, TooLarge, wants_html
from app.exports.actions import respond_stream
from app.params import load_texts, parse_body
from app.targets.lists import MOST_TARGETS, ListError, decode, read_list
from app.targets.queries import FoundTarget, FoundTargets, find_targets
from app.targets.records import build_record, write_frames, write_targets
from app.targets.schemas import CONDITIONS, TargetsFormSchema, TargetsSchema

LARGEST_BYTES = 2 * 1024**2
LONGEST_ADDRESS = 2000  # characters, which mail programs and browsers pass on
#: The conditions that the page asks for; an address may have all of them.
SHOWN = ("start", "end", "primary_optical_element", "configuration_type", "instrument_id", "proposal_id")

Texts = MultiDict[str, str]

blueprint = Blueprint("targets", __name__, url_prefix="/targets")


@blueprint.get("/")
def show_targets() -> Response:
    """The page: empty, or of a list that is short enough to be in its address."""
    return _answer_page(request.args) if _text_of(request.args) else _render(request.args)


@blueprint.post("/")
def list_targets() -> ResponseReturnValue:
    """What the archive has of up to 1,000 targets: of each the number of frames, the newest time, and the filters.

    A target is a name, a position, or has both, and may have a radius of its own; parameters of the search narrow the
    frames. A form may send the list as text or as a file, a target a line, or CSV.
    """
    if request.is_json:
        asked = parse_body(TargetsSchema(), LARGEST_BYTES)
        lines = [replace(line, number=number) for number, line in enumerate(asked["targets"], 1)]
        return jsonify(_build_record(find_targets(current_viewer(), lines, asked)))
    if not wants_html():
        return jsonify(_build_record(_find(_read_form())))
    try:
        texts = _read_form()
    except BadRequest as error:
        return _render(request.form, errors=error.fields)
    address = build_address(url_for(".show_targets"), texts)
    if len(address) <= LONGEST_ADDRESS and _text_of(texts):
        return redirect(address, HTTPStatus.SEE_OTHER)
    return _answer_page(texts)


@blueprint.post("/frames.csv")
def export_frames() -> Response:
    """The frames of a list of targets as CSV, under each target its own."""
    viewer, found = current_viewer(), _find(_read_form())
    return respond_stream(write_frames(viewer, found), "text/csv", "targets-frames.csv")


@blueprint.post("/targets.csv")
def export_targets() -> Response:
    """What the archive has of each target of a list, as CSV."""
    return respond_stream(write_targets(_find(_read_form())), "text/csv", "targets.csv")


def _read_form() -> Texts:
    """Read the form; what is in a file goes into the list's place."""
    request.max_content_length = request.max_form_memory_size = LARGEST_BYTES
    try:
        texts, file = MultiDict(request.form), request.files.get("file")
        content = file.read() if file else b""
    except RequestEntityTooLarge:
        size = LARGEST_BYTES // 2**20
        message = f"The list is too large: it may have {size} MiB, and {MOST_TARGETS:,} targets. Send it in parts."
        raise TooLarge(message) from None
    kept = MultiDict([(name, text) for name, text in texts.items(multi=True) if text.strip()])
    if content:
        if _text_of(kept):
            raise BadRequest("Paste a list, or choose a file: there are both.", fields={"targets": ["Given twice."]})
        try:
            kept["targets"] = decode(content)
        except ListError as error:
            raise BadRequest(str(error), fields={"targets": [str(error)]}) from None
    return kept


def _text_of(texts: Texts) -> str:
    return texts.get("targets", "").strip()


def _find(texts: Texts) -> FoundTargets:
    """Find the targets of a form.

    Raises
    ------
    BadRequest
        If the list as a whole, or a condition, is of no use; it names each.
    """
    asked = load_texts(TargetsFormSchema(), texts)
    try:
        return find_targets(current_viewer(), read_list(asked.get("targets", "")), asked)
    except ListError as error:
        raise BadRequest(str(error), code="bad_list", fields={"targets": [str(error)]}) from None


def _answer_page(texts: Texts) -> Response:
    """Answer with what was found, or with the form as it was filled and what is wrong in it."""
    try:
        return _render(texts, _find(texts))
    except BadRequest as error:
        return _render(texts, errors=error.fields)


def _render(texts: Texts, found: FoundTargets | None = None, errors: dict[str, Any] | None = None) -> Response:
    conditions = [(name, text) for name, text in texts.items(multi=True) if name not in {"targets", "radius"} and text]

    def link(each: FoundTarget) -> str:
        """Return the address of the search for a target's frames."""
        cone = {"position": each.line.place} | ({"radius": f"{each.radius_deg:.9g}"} if each.radius_deg else {})
        return build_address(url_for("frames_views.search"), MultiDict([*cone.items(), *conditions]))

    page = render_template(
        "targets/targets.html",
        texts=texts,
        values={name: ", ".join(texts.getlist(name)) for name in texts},
        errors={name: [str(message) for message in messages] for name, messages in (errors or {}).items()},
        shown=[parameter for parameter in CONDITIONS if parameter.name in SHOWN],
        kept=[(name, text) for name, text in conditions if name not in SHOWN],
        radius=CONDITIONS[0],
        found=found,
        link=link,
        named_link=lambda name: url_for("frames_views.search", target_name=name),
        share=request.url if request.method == "GET" else "",
        most=MOST_TARGETS,
    )
    return make_response(page, HTTPStatus.BAD_REQUEST if errors else HTTPStatus.OK)


def _build_record(found: FoundTargets) -> dict[str, Any]:
    return {"count": len(found.ids), "targets": [build_record(each) for each in found.targets]}
