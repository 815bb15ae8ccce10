"""What `make run` starts: the whole archive in one terminal, until Ctrl-C.

It migrates the database, keeps Redis (unless REDIS_URL names one), the ingest workers and gunicorn running,
and fills an empty archive with the demo.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from app.config import AppConfig
from app.preflight import (
    LaunchError,
    check_port,
    check_redis,
    hold_data_dir,
    migrate_database,
    read_config,
    redis_answers,
)
from app.processes import POLL_S, Service, Supervisor

START_PATIENCE_S = 60.0
FLASK = (sys.executable, "-m", "flask", "--app", "wsgi")
GUNICORN = (sys.executable, "-m", "gunicorn")
LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # how to reach what listens everywhere


def main() -> int:
    """Run the archive; return 0 when it was stopped on request, 1 when it could not be started."""
    try:
        config = read_config()
        with hold_data_dir(config, f"process {os.getpid()}, {url_of(config)}"):
            check_port(config)
            redis_server = check_redis(config)
            run(config, redis_server, is_empty=migrate_database(config))
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before there was anything to stop
        return 0
    return 0


def run(config: AppConfig, redis_server: str | None, *, is_empty: bool) -> None:
    """Keep the archive running until we are asked to stop, then stop all of it."""
    # gunicorn reads no .env, and so the others shall not either.
    environ = os.environ | {"DATA_DIR": str(config.data_dir), "FLASK_SKIP_DOTENV": "1"}
    supervisor = Supervisor(environ, say)
    supervisor.listen_for_signals()
    try:
        start(config, redis_server, supervisor)
        say(f"The archive is at {config.public_url or url_of(config)}")
        say(f"Ctrl-C stops it; its logs are in {config.data_dir / 'log'}")
        if is_empty and config.demo:
            make_demo(config, supervisor)
        elif is_demo_unfinished(config):
            say(f"Its demo was interrupted: “flask --app wsgi demo --url {url_of(config)}” goes on with it.")
        while not supervisor.is_asked_to_stop and not make_swallowed_interrupt():
            supervisor.tend()
            time.sleep(POLL_S)
        say("\nStopping …")
    finally:
        supervisor.stop()


def start(config: AppConfig, redis_server: str | None, supervisor: Supervisor) -> None:
    """Start every service, and return as soon as the archive answers.

    Raises
    ------
    LaunchError
        If one dies at once, or none answers in time.
    """
    if redis_server:
        supervisor.start(redis_service(config, redis_server))
        wait_for(redis_answers, config, supervisor)
    supervisor.start(*list_flask_services(config), web_service(config))
    wait_for(web_answers, config, supervisor)


def wait_for(answers: Callable[[AppConfig], bool], config: AppConfig, supervisor: Supervisor) -> None:
    deadline_s = time.monotonic() + START_PATIENCE_S
    while not answers(config) and not supervisor.is_asked_to_stop:
        if dead := supervisor.find_dead():
            raise LaunchError(f"The {dead.name} did not start; {dead.log} says why.")
        if time.monotonic() > deadline_s:
            raise LaunchError(f"The archive did not start in time; {config.data_dir / 'log'} may say why.")
        time.sleep(POLL_S)


def make_demo(config: AppConfig, supervisor: Supervisor) -> None:
    if supervisor.run([*FLASK, "demo", "--url", url_of(config)]):
        say(f"The demo could not be finished; the archive runs without it at {url_of(config)}")


def is_demo_unfinished(config: AppConfig) -> bool:
    record = config.data_dir / "demo.json"
    return record.exists() and not json.loads(record.read_text())["frames"]


def redis_service(config: AppConfig, redis_server: str) -> Service:
    """Run Redis on a Unix socket only, for this user only. It keeps nothing: the database is the truth.

    It gets none of our environment, in which secrets stand.
    """
    command = ["env", "-i", redis_server, "--port", "0", "--unixsocket", str(config.embedded_redis_socket)]
    command += ["--unixsocketperm", "700", "--save", "", "--appendonly", "no", "--daemonize", "no"]
    return Service("queue (Redis)", command, config.data_dir / "log" / "redis.log")


def list_flask_services(config: AppConfig) -> list[Service]:
    """List the programs beside the web: workers, reconciler, alerts, and what tells of files or takes them, if any."""
    log = config.data_dir / "log"
    services = [
        Service(f"ingest worker {number}", [*FLASK, "worker"], log / f"worker-{number}.log")
        for number in range(1, config.workers + 1)
    ]
    services.append(Service("reconciler", [*FLASK, "reconcile"], log / "reconciler.log"))
    if config.saved_searches_per_user:
        services.append(Service("alerts", [*FLASK, "alerts"], log / "alerts.log"))
    if config.processed_exchange_enabled or config.webhook_urls:
        services.append(Service("publisher", [*FLASK, "publish"], log / "publisher.log"))
    if config.intake_rabbitmq:
        services.append(Service("intake from RabbitMQ", [*FLASK, "intake", "rabbitmq"], log / "intake-rabbitmq.log"))
    if config.intake_folders:
        watch = [*FLASK, "intake", "folder", *map(str, config.intake_folders)]
        services.append(Service("intake from folders", watch, log / "intake-folder.log"))
    return services


def web_service(config: AppConfig) -> Service:
    """Run gunicorn, by gunicorn.conf.py, with an end within seconds."""
    log = config.data_dir / "log"
    command = [*GUNICORN, "--bind", f"{bracketed(config.host)}:{config.port}"]
    command += ["--workers", str(config.web_concurrency), "--graceful-timeout", "3"]
    command += ["--access-logfile", str(log / "access.log")]
    return Service("web server", command, log / "web.log")


def web_answers(config: AppConfig) -> bool:
    connection = HTTPConnection(LOOPBACK_OF.get(config.host, config.host), config.port, timeout=5)
    try:
        connection.request("GET", "/health/")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def make_swallowed_interrupt() -> bool:
    """Say whether our parent is a GNU make that got a SIGINT by itself, as from `kill -INT`.

    Such a make waits for us inside its signal handler, SIGINT blocked, and does not pass the signal on.
    """
    try:
        status = Path(f"/proc/{os.getppid()}/status").read_text()
    except OSError:  # no Linux
        return False
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return fields["Name"] == "make" and bool(int(fields["SigBlk"], 16) & 1 << (signal.SIGINT - 1))


def url_of(config: AppConfig) -> str:
    return f"http://{bracketed(LOOPBACK_OF.get(config.host, config.host))}:{config.port}"


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def say(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    # Nothing is left to tidy up; taking the imported packages apart would cost the user another second.
    os._exit(main())
