"""Measure how long others wait while an archive's database is migrated."""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
import flask_migrate
import psycopg

from app import create_app
from app.config import AppConfig
from app.extensions import db

READ = "SELECT basename FROM frame WHERE id = (SELECT max(id) / 2 FROM frame)"
WRITE = "UPDATE frame SET modified = now() WHERE id = (SELECT max(id) FROM frame)"
PAUSE_S = 0.02


class Watch:
    """One who does the same again and again, and notes the longest time that it took."""

    def __init__(self, url: str, statement: str) -> None:
        self.count, self.longest_s = 0, 0.0
        self._url, self._statement = url, statement

    def run(self, is_over: Callable[[], bool]) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not is_over():
                begin_s = time.monotonic()
                connection.execute(self._statement)
                self.count, self.longest_s = self.count + 1, max(self.longest_s, time.monotonic() - begin_s)
                time.sleep(PAUSE_S)


@contextmanager
def watching(url: str) -> Iterator[dict[str, Watch]]:
    """Have one read and one write beside what happens."""
    over = threading.Event()
    watches = {"reads": Watch(url, READ), "writes": Watch(url, WRITE)}
    threads = [threading.Thread(target=watch.run, args=[over.is_set]) for watch in watches.values()]
    for thread in threads:
        thread.start()
    try:
        yield watches
    finally:
        over.set()
        for thread in threads:
            thread.join()


@click.command()
@click.argument("url")
@click.argument("revision", default="head")
def main(url: str, revision: str) -> None:
    """Bring a loaded PostgreSQL archive up, or down, to a revision, while others read and write."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {**os.environ, "DATA_DIR": folder, "DATABASE_URL": url, "SECRET_KEY": "a bench's"}
        app = create_app(AppConfig.from_env(settings))
    with watching(url) as watches:
        begin_s = time.monotonic()
        with app.app_context():
            (flask_migrate.downgrade if revision.isdecimal() else flask_migrate.upgrade)(revision=revision)
            db.engine.dispose()
        took_s = time.monotonic() - begin_s
    waits = "; ".join(f"{it.count} {name}, the longest {1000 * it.longest_s:.0f} ms" for name, it in watches.items())
    click.echo(f"{took_s:.0f} s to {revision}: {waits}")


if __name__ == "__main__":
    main()
