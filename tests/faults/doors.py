"""The doors of the archive, and the control system that hands each file over until it is taken."""

import json
import shutil
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import pika
import requests
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from ingest_worker.exceptions import BackoffRetryError, NonFatalDoNotRetryError, RetryError
from ingest_worker.ingester import upload_file_and_ingest_to_archive
from tests.faults.archive import Archive
from tests.faults.files import LIBRARY, Product
from tests.faults.ledger import Ledger

THREADS = 8
TRY_AGAIN_AFTER_S = 0.5
PATIENCE_S = 600.0


class NotTaken(Exception):
    """The archive could not take a file just now; the control system keeps it, and tries again."""


class Refused(Exception):
    """The archive will not have a file that it should have."""


NO_ANSWER = (
    NotTaken,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    AMQPError,
    AMQPConnectorException,
    ConnectionError,
)


@dataclass(frozen=True)
class Doors:
    """Where the doors are."""

    archive: Archive
    broker_url: str
    queue: str
    watched: Path
    ledger: Ledger


def upload(doors: Doors, products: list[Product]) -> object:
    """Send one file by POST /ingest/jobs."""
    (product,) = products
    with product.path.open("rb") as content:
        return _post(doors, files={"file": (product.path.name, content)})["id"]


def name_path(doors: Doors, products: list[Product]) -> object:
    """Name one file's path by POST /ingest/jobs."""
    (product,) = products
    return _post(doors, json={"filepath": str(product.path)})["id"]


def name_batch(doors: Doors, products: list[Product]) -> object:
    """Name several files' paths by one POST /ingest/jobs."""
    jobs = [{"filepath": str(product.path)} for product in products]
    results = _post(doors, json={"jobs": jobs})["results"]
    if any("id" not in result for result in results):
        raise Refused(results)
    return [result["id"] for result in results]


def send_message(doors: Doors, products: list[Product]) -> object:
    """Name one file's path in a message, which the broker confirms."""
    (product,) = products
    connection = pika.BlockingConnection(pika.URLParameters(doors.broker_url))
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        body = json.dumps({"filepath": str(product.path)})
        persistent = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
        channel.basic_publish("", doors.queue, body, persistent, mandatory=True)
    finally:
        if connection.is_open:
            connection.close()
    return None


def lay_down(doors: Doors, products: list[Product]) -> object:
    """Write one file into the watched folder; a name that is taken gets a folder of its own."""
    (product,) = products
    folder = doors.watched / product.path.parent.name
    folder.mkdir(exist_ok=True)
    shutil.copyfile(product.path, folder / product.path.name)
    return None


def use_library(doors: Doors, products: list[Product]) -> object:
    """Store one file, and send its record, by the library for control systems in Python."""
    (product,) = products
    api_root, token = f"{doors.archive.url}/", doors.archive.admin_token
    try:
        with product.path.open("rb") as content:
            return upload_file_and_ingest_to_archive(content, api_root=api_root, auth_token=token)["frameid"]
    except NonFatalDoNotRetryError as known:
        return str(known)
    except (RetryError, BackoffRetryError) as error:
        if f"answered {HTTPStatus.INTERNAL_SERVER_ERROR}" in str(error):
            doors.ledger.complain(str(error))
        raise NotTaken(f"{error.code}: {error}") from error


#: Each door with its share of the files.
DOORS: dict[str, tuple[int, Callable[[Doors, list[Product]], object]]] = {
    "upload": (30, upload),
    "path": (18, name_path),
    "batch": (18, name_batch),
    "rabbitmq": (15, send_message),
    "folder": (10, lay_down),
    LIBRARY: (9, use_library),
}
WEIGHTS = {name: weight for name, (weight, _) in DOORS.items()}


class ControlSystem:
    """Hands files over in threads; it keeps each until the archive has taken it, and tries again until then."""

    def __init__(self, doors: Doors) -> None:
        self._doors, self._ledger = doors, doors.ledger
        self._threads = ThreadPoolExecutor(THREADS)
        self._futures: list[Future[None]] = []

    def hand_over(self, products: Iterable[Product]) -> None:
        """Begin to hand files over, each at its doors."""
        batch: list[Product] = []
        for product in products:
            for door in product.doors:
                if door == "batch":
                    batch.append(product)
                else:
                    self._begin(door, [product])
        if batch:
            self._begin("batch", batch)

    def wait(self) -> None:
        """Return when everything has been taken; raise what went wrong in a thread."""
        for future in self._futures:
            future.result()
        self._threads.shutdown()

    def _begin(self, door: str, products: list[Product]) -> None:
        self._futures.append(self._threads.submit(self._insist, door, products))

    def _insist(self, door: str, products: list[Product]) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                receipt = DOORS[door][1](self._doors, products)
                break
            except NO_ANSWER as error:
                self._ledger.note("not taken", door=door, files=[product.path for product in products], why=repr(error))
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(TRY_AGAIN_AFTER_S)
        for product in products:
            self._ledger.acknowledge(product, door, receipt=receipt)


def _post(doors: Doors, **content: object) -> dict:
    answer = doors.archive.request("POST", "/ingest/jobs", **content)
    if answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
        doors.ledger.complain(answer.text)
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise NotTaken(f"{answer.status_code} {answer.text[:200]}")
    if answer.status_code != HTTPStatus.ACCEPTED:
        raise Refused(f"{answer.status_code} {answer.text[:200]}")
    return answer.json()
