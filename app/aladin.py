"""Aladin Lite on the search page, if the observatory has installed it: its file, and what that page may then load."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, current_app, send_file, url_for
from werkzeug.wrappers import Response

from app.config import AppConfig
from app.pages import build_policy

FILENAME = "aladin/aladin.js"  # as one of the static files
LIFE_S = 86400  # in browsers: it has 2.4 MB, and changes when an operator updates it


@dataclass(frozen=True)
class Aladin:
    """What the search page needs to offer Aladin Lite.

    Attributes
    ----------
    survey_url
        Of a HiPS; empty: the sky is plain, and nothing is asked of another server.
    """

    module: Path
    survey_url: str

    @property
    def address(self) -> str:
        return url_for("static", filename=FILENAME)

    @property
    def policy(self) -> str:
        """The page's Content-Security-Policy: WebAssembly, what the module has as data: addresses, and the survey.

        Of other servers Aladin knows dozens; that it asks none of them does not depend on its options alone.
        """
        survey = " {0.scheme}://{0.netloc}".format(urlsplit(self.survey_url)) if self.survey_url else ""
        return build_policy(
            {
                "script-src": "'self' 'wasm-unsafe-eval'",
                "worker-src": "blob:",
                "connect-src": f"'self' data:{survey}",
                "img-src": f"'self' data: blob:{survey}",
            }
        )


def register_aladin(app: Flask, config: AppConfig) -> None:
    """Serve Aladin Lite's module beside the other static files, if it is there."""
    module = config.aladin_lite_dir / "dist" / "aladin.js"
    if not module.is_file():
        return
    send_other = app.view_functions["static"]

    def send(filename: str) -> Response:
        if filename == FILENAME:
            return send_file(module, mimetype="text/javascript", max_age=LIFE_S)
        return current_app.ensure_sync(send_other)(filename=filename)  # type: ignore[no-any-return]  # as Flask calls it

    app.view_functions["static"] = send
    app.extensions["aladin"] = Aladin(module, config.aladin_survey_url)


def find_aladin() -> Aladin | None:
    """Return what there is of Aladin Lite, if it is installed."""
    found: Aladin | None = current_app.extensions.get("aladin")
    return found
