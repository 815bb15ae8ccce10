"""The archive under test: its programs as an installation runs them, each started again whenever it dies."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from app.config import AppConfig
from app.launcher import FLASK, list_flask_services, web_service
from app.processes import PROJECT_DIR, end_with_parent
from tests.live import LiveArchive, wait_for_health
from tests.services import LOOPBACK

WEB, WORKERS = "web server", ("ingest worker 1", "ingest worker 2")  # as the launcher calls them
RESTART_AFTER_S = 0.5  # the pause of systemd's RestartSec=
STOP_PATIENCE_S = 20.0


class Program:
    """One program of the archive; its output is kept in a file."""

    def __init__(self, command: Sequence[str], settings: Mapping[str, str], log: Path) -> None:
        self._command, self._settings, self._log = command, settings, log
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command,
                cwd=PROJECT_DIR,
                env=os.environ | self._settings,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        self.started_s = time.monotonic()

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(how)

    def list_children(self) -> list[int]:
        """Return the processes that it has started and that live."""
        try:
            tasks = list(Path(f"/proc/{self.process.pid}/task").iterdir())
            return [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except FileNotFoundError:  # it has just died
            return []

    def end_group(self) -> None:
        """Kill what it left behind."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Archive(LiveArchive):
    """A running archive whose programs may be killed."""

    def __init__(self, settings: Mapping[str, str], log_dir: Path) -> None:
        config = AppConfig.from_env(settings)
        self.programs = {
            service.name: Program(service.command, settings, log_dir / service.log.name)
            for service in [web_service(config), *list_flask_services(config)]
        }
        self._has_ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()
        url = f"http://{LOOPBACK}:{config.port}"
        wait_for_health(url, self.programs[WEB].process, log_dir / "web.log")
        super().__init__(url, settings)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the archive to its end."""
        return subprocess.run(
            [*FLASK, *arguments],
            cwd=PROJECT_DIR,
            env=os.environ | self.settings,
            capture_output=True,
            text=True,
            check=False,
        )

    def stop(self) -> None:
        """End every program politely."""
        self._has_ended.set()
        self._keeper.join()
        for program in self.programs.values():
            program.kill(signal.SIGTERM)
        for program in self.programs.values():
            try:
                program.process.wait(STOP_PATIENCE_S)
            finally:
                program.end_group()

    def _keep(self) -> None:
        while not self._has_ended.wait(RESTART_AFTER_S):
            for program in self.programs.values():
                if program.process.poll() is not None:
                    program.end_group()
                    program.start()
