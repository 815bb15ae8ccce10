"""Logs: a line for a person, or a JSON object for a machine, with what was worked on when it was written.

Every module says what it has to say to ``logging.getLogger(__name__)``. What is bound by `structlog.contextvars` (the
request's id, the job's, the file's basename) stands beside it, also where a library speaks.
"""

import json
import logging
import re
from typing import Any

import structlog
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor

from app.settings import JSON, TEXT

#: Libraries that tell of each of their steps; what pika says of a lost connection in forty lines we say in one.
CHATTY = {"botocore": logging.WARNING, "pika": logging.CRITICAL}
#: What opens a door: in a download link, an Authorization header, a query (`code`: a log-in; whoever takes a token for
#: a parameter gives it some such name), and before a URL's host.
SECRETS = re.compile(
    r"((?:/|%2F)(?:downloads|pictures)(?:/|%2F)|\b(?:token|bearer) (?=\S{16})"
    r"|(?:token|password|secret|signature|authorization|api_?key|[?&](?:code|key))=|://(?=[^/\s]*@))[^\s/&@\"']+",
    re.IGNORECASE,
)
PLAIN_VALUE = re.compile(r"[^\s\"=]+")


def set_up_logs(log_format: str) -> None:
    """Send what is said at INFO or above, and Python's warnings, to standard error.

    Parameters
    ----------
    log_format
        `TEXT` or `JSON`, as the setting LOG_FORMAT.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(build_formatter(log_format))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name, level in CHATTY.items():
        logging.getLogger(name).setLevel(level)


def build_formatter(log_format: str) -> logging.Formatter:
    """Return what writes one record, in either format, without secrets."""
    gather: list[Processor] = [
        ExtraAdder(),
        structlog.contextvars.merge_contextvars,
        add_logger_name,
        add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    render = {TEXT: render_text, JSON: render_json}[log_format]
    return ProcessorFormatter(
        foreign_pre_chain=gather, processors=[ProcessorFormatter.remove_processors_meta, mask_secrets, render]
    )


def mask_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Put … where a secret stands."""
    return {name: SECRETS.sub(r"\1…", value) if isinstance(value, str) else value for name, value in event.items()}


def render_json(_logger: Any, _method: str, event: EventDict) -> str:
    """Write a record as one line of JSON."""
    head = {"time": event.pop("timestamp")} | {name: event.pop(name) for name in ("level", "logger")}
    return json.dumps({**head, "message": event.pop("event"), **event}, default=str)


def render_text(_logger: Any, _method: str, event: EventDict) -> str:
    """Write a record as one line that a person can read; the lines of a traceback follow, indented."""
    time, level, logger, message = (event.pop(name) for name in ("timestamp", "level", "logger", "event"))
    traceback = event.pop("exception", "").splitlines()
    context = "".join(f" {name}={_quote(str(value))}" for name, value in event.items() if value != "")
    head = f"{time} {level.upper():7} {logger}: {_escape(message)}{context}"
    return "\n    ".join([head, *(_escape(line) for line in traceback)])


def _quote(value: str) -> str:
    return _escape(value if PLAIN_VALUE.fullmatch(value) else json.dumps(value, ensure_ascii=False))


def _escape(text: str) -> str:
    """Make control characters visible: what a file or a client is called must not make up lines of the log."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
