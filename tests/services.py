"""Private servers for the tests: PostgreSQL with PostGIS, Redis, RabbitMQ and S3, in a temporary folder, on free ports.

Nothing here touches a server of the machine's own, and nothing outlives the tests: a server gets SIGTERM from the
kernel even when the tests are killed.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pika
import pika.exceptions
import psycopg
import redis
from moto.server import ThreadedMotoServer
from sqlalchemy.engine import URL, make_url

from app.preflight import LaunchError, find_redis_server
from app.processes import end_with_parent

START_PATIENCE_S = 60.0
#: So that no limit stands in the way of a test, or of a program that sends very many requests.
NO_LIMITS = {"RATE_LIMIT_ANONYMOUS": "", "RATE_LIMIT_USER": "", "LOG_IN_LIMIT": "", "UPLOAD_RESERVE_BYTES": "0"}
LOOPBACK = "127.0.0.1"


class ServiceMissing(Exception):
    """A server can't be started here; the message says why."""


def free_port() -> int:
    """Return a port that nobody listens on, below those that the kernel gives to outgoing connections."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port


class PostgresServer:
    """A PostgreSQL server on which databases can be made."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.process: Server | None = None  # None: not ours
        self._databases: list[str] = []

    @property
    def version(self) -> str:
        with self._connect(self.url) as connection:
            return f"PostgreSQL {connection.execute('SHOW server_version').fetchone()[0].split()[0]}"

    def create_database(self) -> str:
        """Make an empty database with PostGIS, and return its SQLAlchemy URL."""
        name = f"archive_test_{os.getpid()}_{len(self._databases)}"
        with self._connect(self.url) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        self._databases.append(name)
        url = self.url.set(database=name)
        with self._connect(url) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        return url.render_as_string(hide_password=False)

    def drop_databases(self) -> None:
        with self._connect(self.url) as connection:
            for name in self._databases:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @staticmethod
    def _connect(url: URL) -> psycopg.Connection:
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(plain, autocommit=True)


@contextmanager
def postgres_server(*options: str) -> Iterator[PostgresServer]:
    """Start PostgreSQL, or take the server that TEST_DATABASE_URL names (its user must be able to make databases).

    The options go to the program, over its own here, which spare the disk.

    Raises
    ------
    ServiceMissing
        If there is no PostgreSQL with PostGIS here.
    """
    if given := os.environ.get("TEST_DATABASE_URL"):
        server = PostgresServer(make_url(given).set(drivername="postgresql+psycopg"))
        try:
            yield server
        finally:
            server.drop_databases()
        return
    bin_dir = find_postgres()
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    with temporary_folder() as folder:
        if user:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres", "postgres")
        data, port = folder / "data", free_port()
        initdb = [
            bin_dir / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale",
            "C",
            "-N",
        ]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)
        command = [bin_dir / "postgres", "-D", data, "-h", LOOPBACK, "-p", str(port), "-k", folder, "-F", *options]
        server = PostgresServer(URL.create("postgresql+psycopg", "postgres", None, LOOPBACK, port, "postgres"))
        server.process = Server(command, folder / "log", lambda: bool(server.version), psycopg.OperationalError, **user)
        with running(server.process):
            yield server


class RedisServer:
    """A Redis server; it keeps nothing when it ends."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.process: Server | None = None  # None: not ours


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """Start Redis, or take the one that TEST_REDIS_URL names."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield RedisServer(given)
        return
    try:
        executable = find_redis_server()
    except LaunchError as error:
        raise ServiceMissing(str(error)) from None
    port = free_port()
    server = RedisServer(f"redis://{LOOPBACK}:{port}/0")
    command = [executable, "--bind", LOOPBACK, "--port", str(port), "--save", "", "--appendonly", "no"]
    with temporary_folder() as folder, redis.Redis.from_url(server.url) as connection:
        server.process = Server(command, folder / "log", connection.ping, redis.ConnectionError)
        with running(server.process):
            yield server


class RabbitServer:
    """A RabbitMQ broker."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.process: Server | None = None  # None: not ours

    def connect(self) -> None:
        pika.BlockingConnection(pika.URLParameters(self.url)).close()


@contextmanager
def rabbitmq_server() -> Iterator[RabbitServer]:
    """Start RabbitMQ, or take the one that TEST_RABBITMQ_URL names.

    Raises
    ------
    ServiceMissing
        If there is no RabbitMQ here.
    """
    if given := os.environ.get("TEST_RABBITMQ_URL"):
        yield RabbitServer(given)
        return
    executable = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # that on the PATH insists on a user of its own
    if not executable.exists():
        raise ServiceMissing("RabbitMQ is not installed (tests/install-services does it on Debian).")
    port, epmd_port = free_port(), free_port()
    server = RabbitServer(f"amqp://guest:guest@{LOOPBACK}:{port}/")
    with temporary_folder() as folder:
        environ = os.environ | {
            "HOME": str(folder),  # of Erlang's cookie
            "ERL_EPMD_PORT": str(epmd_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_CONFIG_FILE": str(folder / "config"),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_NODENAME": f"archive-test-{port}@localhost",
        }
        (folder / "plugins").write_text("[].")
        refusals = pika.exceptions.AMQPError
        server.process = Server([executable], folder / "log", server.connect, refusals, env=environ)
        try:
            with running(server.process):
                yield server
        finally:
            subprocess.run(["epmd", "-port", str(epmd_port), "-kill"], stdout=subprocess.DEVNULL, check=False)


@contextmanager
def s3_server() -> Iterator[str]:
    """Start moto's S3 server in a thread; yield its URL."""
    server = ThreadedMotoServer(LOOPBACK, 0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def find_postgres() -> Path:
    """Return the folder of the newest PostgreSQL programs, which Debian keeps off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    on_path = shutil.which("initdb")
    if not found and not on_path:
        raise ServiceMissing("PostgreSQL is not installed (tests/install-services does it on Debian).")
    return (found[-1] if found else Path(on_path)).resolve().parent


def find_chromium() -> str:
    """Return the path of the system's Chromium: no browser is downloaded."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise ServiceMissing("Chromium is not installed (tests/install-services does it on Debian).")


class Server:
    """A server's process, which can be stopped, or killed, and started again."""

    def __init__(
        self,
        command: list[str | Path],
        log: Path,
        answers: Callable[[], object],
        refusal: type[Exception],
        **options: object,
    ) -> None:
        """Name a command that is ready when `answers()` no longer raises `refusal`."""
        self._command, self._log, self._answers, self._refusal, self._options = command, log, answers, refusal, options

    def start(self) -> None:
        """Start it, and return as soon as it answers.

        Raises
        ------
        ServiceMissing
            If it does not.
        """
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command,
                stdout=output,
                stderr=output,
                cwd=self._log.parent,
                start_new_session=True,  # Ctrl-C is for the tests, which then stop it
                preexec_fn=end_with_parent,
                **self._options,
            )
        deadline_s = time.monotonic() + START_PATIENCE_S
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline_s:
                self.stop(signal.SIGKILL)
                raise ServiceMissing(f"{self._command[0]} did not start: {self._log.read_text()[-500:]}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it; PostgreSQL would wait for its clients on SIGTERM. SIGKILL ends what it has started, too."""
        if how == signal.SIGKILL:
            self._kill_group()
        self.process.send_signal(how)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self._kill_group()
            self.process.wait()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def _is_ready(self) -> bool:
        try:
            self._answers()
        except self._refusal:
            return False
        return True


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Keep a server running."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a short-named folder outside pytest's own, which other users may not enter."""
    with tempfile.TemporaryDirectory(prefix="archive-test-") as name:
        yield Path(name)
