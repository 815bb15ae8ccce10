"""Child processes that are kept running while their parent runs, and never outlive it."""

import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>

POLL_S = 0.1
STOP_PATIENCE_S = 7.0
LAST_CALL_S = 3.0  # before that is over, who is still busy is asked again: a worker then gives its file back
HURRY_S = 1.5  # what is left once we are asked again ourselves
LONGEST_BACK_OFF_S = 30.0
HEALTHY_AFTER_S = 60.0  # the deaths before a run of this length are forgotten
ONE_REQUEST_S = 0.5  # a signal to a whole process group may reach us twice: make passes its own on

_libc = ctypes.CDLL(None)  # opened here, and not between fork and exec


@dataclass(frozen=True)
class Service:
    """A program to keep running, and the file that takes its output."""

    name: str
    command: Sequence[str]
    log: Path


class Supervisor:
    """Starts services group by group, restarts what dies, and stops all of it, the newest group first."""

    def __init__(self, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._environ = environ
        self._say = say
        self._groups: list[list[_Child]] = []
        self._stop_requests = 0
        self._latest_request_s = -ONE_REQUEST_S

    @property
    def is_asked_to_stop(self) -> bool:
        return self._stop_requests > 0

    def listen_for_signals(self) -> None:
        """Take Ctrl-C, SIGTERM and a terminal that is closed as requests to stop."""
        signal.signal(signal.SIGINT, self._note_request)
        signal.signal(signal.SIGTERM, self._note_request)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
            signal.signal(signal.SIGHUP, self._note_request)

    def start(self, *services: Service) -> None:
        """Start a group of services, which will be stopped together."""
        group: list[_Child] = []
        self._groups.append(group)
        for service in services:  # one by one: those that run are known, should the next fail to start
            group.append(_KeptChild(service, self._environ))

    def run(self, command: Sequence[str]) -> int | None:
        """Run a program on our terminal while the services are tended.

        Returns
        -------
        int or None
            Its exit status; None if it still runs because we are asked to stop.
        """
        program = _Child(command, self._environ, log=None)
        self._groups.append([program])
        while not program.has_ended and not self.is_asked_to_stop:
            self.tend()
            time.sleep(POLL_S)
        return program.process.returncode

    def find_dead(self) -> Service | None:
        return next((kept.service for kept in self._kept() if kept.has_ended), None)

    def tend(self) -> None:
        """Restart what died, after a time that grows with each death."""
        for kept in self._kept():
            if kept.has_ended:
                kept.revive(self._say)

    def stop(self) -> None:
        """End every child: group by group, asked twice; by force when time is up, soon if we are asked once more."""
        deadline_s = time.monotonic() + STOP_PATIENCE_S
        asked = self._stop_requests

        def count_left_s() -> float:
            is_urgent = self._stop_requests > asked
            end_s = min(deadline_s, self._latest_request_s + HURRY_S) if is_urgent else deadline_s
            return end_s - time.monotonic()

        for group in reversed(self._groups):
            for kept_s in (LAST_CALL_S, 0):
                for child in reversed(group):
                    child.process.terminate()
                while not all(child.has_ended for child in group) and count_left_s() > kept_s:
                    time.sleep(POLL_S)
        for group in self._groups:
            for child in group:
                child.kill()

    def _kept(self) -> list["_KeptChild"]:
        return [child for group in self._groups for child in group if isinstance(child, _KeptChild)]

    def _note_request(self, *_signal: object) -> None:
        # It only counts: an exception here could fall between a child's start and our knowing of it.
        now_s = time.monotonic()
        if now_s - self._latest_request_s >= ONE_REQUEST_S:
            self._stop_requests += 1
        self._latest_request_s = now_s


class _Child:
    """A process and those that it starts in turn: a session of their own, so that Ctrl-C reaches only us."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], log: Path | None) -> None:
        self._command, self._environ, self._log = command, environ, log
        self.start()

    def start(self) -> None:
        self.started_s = time.monotonic()
        self._ended = False
        output = self._log.open("ab") if self._log else None
        self.process = subprocess.Popen(  # noqa: S603  # no shell, and none but our own commands
            self._command,
            cwd=PROJECT_DIR,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
        if output:
            output.close()

    @property
    def has_ended(self) -> bool:
        if not self._ended and self.process.poll() is not None:
            self._ended = True
            self._kill_group()  # whatever it left behind
        return self._ended

    def kill(self) -> None:
        if not self.has_ended:
            self._kill_group()
            self.process.wait()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class _KeptChild(_Child):
    """A service's process, and what follows when it dies."""

    def __init__(self, service: Service, environ: Mapping[str, str]) -> None:
        super().__init__(service.command, environ, service.log)
        self.service = service
        self._deaths = 0
        self._due_s: float | None = None  # when it is to be started again

    def revive(self, say: Callable[[str], None]) -> None:
        """Note that it died and, once its back-off is over, start it again."""
        now_s = time.monotonic()
        if self._due_s is None:
            self._deaths = 1 if now_s - self.started_s > HEALTHY_AFTER_S else self._deaths + 1
            self._due_s = now_s + min(2.0**self._deaths - 1, LONGEST_BACK_OFF_S)
            say(f"The {self.service.name} stopped and is started again; {self.service.log} says why.")
        elif now_s >= self._due_s:
            self._due_s = None
            self.start()


@cache
def name_process() -> str:
    """Return a name for this process that no other has: in containers, hosts and numbers come again."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def end_with_parent() -> None:
    """Between fork and exec: have Linux end the child when its parent is gone, even by SIGKILL."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
