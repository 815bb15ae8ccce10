"""gunicorn's own log and its access log, written as every other; `gunicorn.conf.py` names it."""

import os
from typing import Any

from gunicorn.glogging import Logger
from structlog.contextvars import clear_contextvars

from app.logs import build_formatter
from app.request_ids import HEADER
from app.settings import SETTINGS


class WebLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """What gunicorn logs with: one line for each answer, once it has been sent."""

    def setup(self, cfg: Any) -> None:
        """Write in the format that LOG_FORMAT names."""
        super().setup(cfg)
        formatter = build_formatter(SETTINGS["LOG_FORMAT"].read(os.environ))
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(formatter)

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Tell of one answer: what was asked, what became of it, how many bytes went out, and how long it took."""
        if not self.access_log_enabled:
            return
        atoms = self.atoms(resp, req, environ, request_time)
        what_came_of_it = {
            "status": int(atoms["s"]),
            "sent_bytes": _count_sent(resp, environ),
            "duration_s": round(request_time.total_seconds(), 6),
            "client": atoms["h"],
            "agent": atoms["a"],
            "request_id": atoms.get(f"{{{HEADER.lower()}}}o", ""),  # gunicorn refuses some requests without our help
        }
        self.access_log.info("%s %s", atoms["m"], environ.get("RAW_URI", ""), extra=what_came_of_it)
        clear_contextvars()  # what this thread says next is of no request, until one gets through to the application


def _count_sent(resp: Any, environ: Any) -> int:
    """Return the bytes of a body: gunicorn does not count those of a file that the kernel sends, but says how many."""
    is_by_kernel = not resp.sent and environ["REQUEST_METHOD"] != "HEAD"
    return (resp.response_length or 0) if is_by_kernel else resp.sent
