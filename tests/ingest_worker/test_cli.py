"""The commands of the worker."""

from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from ingest_worker.cli import worker
from tests.fits_factory import write_fits
from tests.fixtures.ingest import Headers, upload


def test_a_worker_of_one_queue_leaves_the_other_alone(
    app: Flask, client: FlaskClient, as_operator: Headers, tmp_path: Path
) -> None:
    job_id = upload(client, as_operator, write_fits(tmp_path / "frame.fits"))
    came_to = []
    for queue in ("previews", "ingest", "previews"):
        done = app.test_cli_runner().invoke(worker, ["--burst", "--queue", queue])
        assert done.exit_code == 0, done.output
        job = client.get(f"/ingest/jobs/{job_id}", headers=as_operator).json
        came_to.append((job["state"], job["preview_state"]))
    assert came_to == [("queued", ""), ("archived", "owed"), ("archived", "made")]
