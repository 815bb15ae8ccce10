"""Where the parts come together: the application, with the commands of the worker and of the demo."""

import os

from app import create_app
from app.config import AppConfig, use_embedded_file_store
from app.demo.cli import demo
from ingest_worker.cli import reconcile, worker

use_embedded_file_store(os.environ)
app = create_app(AppConfig.from_env(os.environ))
app.cli.add_command(demo)
app.cli.add_command(reconcile)
app.cli.add_command(worker)
