"""Kept processes: restarted when they die, stopped in order, by force when they don't listen."""

import os
import signal
import sys
import threading
import time

import pytest

from app import processes
from app.processes import Service, Supervisor

DEAF = "trap '' TERM; echo up; while :; do sleep 0.05; done"


@pytest.fixture
def said():
    return []


@pytest.fixture
def supervisor(said):
    supervisor = Supervisor(os.environ, said.append)
    supervisor.listen_for_signals()
    yield supervisor
    supervisor.stop()


@pytest.fixture
def shell(tmp_path):
    return lambda name, script: Service(name, ["/bin/sh", "-c", script], tmp_path / name)


def wait_for_line(path):
    while not (path.exists() and path.read_text()):
        time.sleep(0.02)


def test_a_service_that_dies_is_started_again_and_its_log_is_named(supervisor, said, shell):
    brief = shell("brief", "echo started")
    supervisor.start(brief)
    deadline = time.monotonic() + 5
    while brief.log.exists() and brief.log.read_text().count("started") < 2 and time.monotonic() < deadline:
        supervisor.tend()
        time.sleep(0.05)
    assert brief.log.read_text().count("started") == 2
    assert said[0] == f"The brief stopped and is started again; {brief.log} says why."


def test_groups_stop_in_reverse_order(supervisor, shell, tmp_path):
    ends = tmp_path / "ends"
    for name in ("first", "second"):
        service = shell(name, f"trap 'echo {name} >> {ends}; exit' TERM; echo up; while :; do sleep 0.05; done")
        supervisor.start(service)
        wait_for_line(service.log)
    supervisor.stop()
    assert ends.read_text().split() == ["second", "first"]


def test_a_second_request_to_stop_ends_the_deaf_at_once(supervisor, shell):
    deaf = shell("deaf", DEAF)
    supervisor.start(deaf)
    wait_for_line(deaf.log)
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    started = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - started < 3
    assert supervisor.find_dead() == deaf


def test_who_is_busy_is_asked_again_before_the_end_by_force(supervisor, shell, monkeypatch):
    monkeypatch.setattr(processes, "LAST_CALL_S", processes.STOP_PATIENCE_S - 1)  # two signals at once count as one
    trap = "asked=0; trap 'asked=$((asked + 1)); [ $asked = 2 ] && echo gave back && exit' TERM"
    busy = shell("busy", f"{trap}; echo up; while :; do sleep 0.05; done")
    supervisor.start(busy)
    wait_for_line(busy.log)
    supervisor.stop()
    assert busy.log.read_text() == "up\ngave back\n"


def test_a_program_runs_to_its_end(supervisor):
    assert supervisor.run([sys.executable, "-c", "raise SystemExit(3)"]) == 3


def test_a_request_to_stop_ends_the_wait_for_a_program(supervisor):
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
    assert supervisor.run(["sleep", "60"]) is None
    assert supervisor.is_asked_to_stop
