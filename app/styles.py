"""What pages load beside themselves. The style sheet is written in parts, a subject each, and served as one file."""

import hashlib
from io import BytesIO
from pathlib import Path

from flask import Flask, send_file, send_from_directory
from werkzeug.wrappers import Response

STATIC_DIR = Path(__file__).parent / "static"
STYLES_DIR = STATIC_DIR / "styles"
#: In the order of the cascade: of two rules that weigh the same, the later one counts.
PARTS = ("theme", "elements", "page", "forms", "notices", "tables", "search", "frame", "charts", "ingest", "print")
SHEET = "archive.css"
LIFE_S = 300  # in browsers: each page has seven such files, and hotels have slow networks


def register_styles(app: Flask) -> None:
    """Serve the parts, as they are now, joined as ``archive.css`` beside the other static files."""
    content = "\n".join((STYLES_DIR / f"{part}.css").read_text("utf-8") for part in PARTS).encode()
    etag = hashlib.sha256(content).hexdigest()

    def send(filename: str) -> Response:
        if filename == SHEET:
            return send_file(BytesIO(content), mimetype="text/css", etag=etag, max_age=LIFE_S)
        return send_from_directory(STATIC_DIR, filename, max_age=LIFE_S)

    app.view_functions["static"] = send
