"""How gunicorn serves the archive, wherever it is started from this folder; gunicorn reads it by its name.

WEB_CONCURRENCY says how many processes; the command line says where to listen and where the access log goes.
"""

import gc
from typing import Any

wsgi_app = "wsgi:app"
worker_class = "app.web_worker.PatientWorker"  # gunicorn's gthread, in which slow clients keep no thread
threads = 4
timeout = 60
keepalive = 5
preload_app = True  # one import for all processes: nothing connects at import, so they may fork after it
limit_request_line = 8190  # gunicorn's largest: the longest line is a search's polygon
forwarder_headers = ""  # SCRIPT_NAME in a request counts for nothing, whatever a proxy lets through: PUBLIC_URL says it
logger_class = "app.access_log.WebLogger"
control_socket_disable = True  # all of a user's gunicorns would share the one


def when_ready(_server: Any) -> None:
    """Leave what was imported to itself: to search it for garbage, again and again, takes 100 ms each time."""
    gc.collect()
    gc.freeze()
