"""Where the parts come together: the application, with the commands of the worker and of the demo."""

import os

from app import create_app
from app.config import AppConfig, use_embedded_file_store
from app.demo.cli import demo
from app.logs import set_up_logs
from ingest_worker.cli import reconcile, worker
from ingest_worker.intake.cli import intake
from ocs_archive.settings import SettingError

use_embedded_file_store(os.environ)
try:
    config = AppConfig.from_env(os.environ)
except SettingError as error:
    raise SystemExit(str(error)) from None  # lines that a person can act on, and no traceback
set_up_logs(config.log_format)
app = create_app(config)
app.cli.add_command(demo)
app.cli.add_command(intake)
app.cli.add_command(reconcile)
app.cli.add_command(worker)
