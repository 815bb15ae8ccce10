"""The style sheet: written in parts, a subject each, and served as one file, so that a page asks for its look once."""

import hashlib
from io import BytesIO
from pathlib import Path

from flask import Flask, send_file
from werkzeug.wrappers import Response

STYLES_DIR = Path(__file__).parent / "static" / "styles"
#: In the order of the cascade: of two rules that weigh the same, the later one counts.
PARTS = ("theme", "elements", "page", "forms", "notices", "tables", "search", "frame", "charts", "ingest", "print")
SHEET = "archive.css"


def register_styles(app: Flask) -> None:
    """Serve the parts, as they are now, joined as ``archive.css`` beside the other static files."""
    content = "\n".join((STYLES_DIR / f"{part}.css").read_text("utf-8") for part in PARTS).encode()
    etag, send_static = hashlib.sha256(content).hexdigest(), app.view_functions["static"]

    def send(filename: str) -> Response:
        if filename == SHEET:
            return send_file(BytesIO(content), mimetype="text/css", etag=etag)
        return send_static(filename=filename)  # type: ignore[return-value]  # Flask's own view answers at once

    app.view_functions["static"] = send
