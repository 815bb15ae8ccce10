"""The command that makes the demo, against a running archive with a worker."""

import json
import subprocess
import sys
import threading
from collections import Counter

import pytest
import requests
from werkzeug.serving import make_server

from app.accounts.actions import create_user
from app.accounts.queries import find_user_by_password
from app.demo import cli
from app.demo.exposures import Product
from app.demo.night_log import CALIBRATION_PROPOSAL, PROPRIETARY_PROPOSAL, PUBLIC_PROPOSAL, plan_nights
from app.extensions import db
from app.processes import PROJECT_DIR, end_with_parent
from tests.services import LOOPBACK

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it knows nothing of the engine


@pytest.fixture
def url(app):
    """The address of the application, served, with a worker of its own."""
    server = make_server(LOOPBACK, 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    worker = subprocess.Popen(command, cwd=PROJECT_DIR, preexec_fn=end_with_parent)
    yield f"http://{LOOPBACK}:{server.port}"
    worker.terminate()
    worker.wait(15)
    server.shutdown()
    thread.join()


@pytest.fixture(autouse=True)
def short_night(monkeypatch):
    """A night log of one raw frame of each proposal and a spectrum's guide tar, so that a test takes seconds."""

    def plan_few(last_night, seed):
        frames = plan_nights(last_night, seed)
        first_of_proposal = {frame.exposure.proposal: frame for frame in frames if frame.product is Product.RAW}
        guide_tar = next(frame for frame in frames if frame.product is Product.GUIDE)
        reduced = next(frame for frame in frames if frame.product is Product.REDUCED)
        return [*first_of_proposal.values(), guide_tar, reduced]

    monkeypatch.setattr(cli, "plan_nights", plan_few)


def make_demo(app, url):
    done = app.test_cli_runner().invoke(cli.demo, ["--url", url])
    assert done.exit_code == 0, done.output
    return done.output


def read_record(app):
    return json.loads((app.config["ARCHIVE"].data_dir / "demo.json").read_text())


def list_frames(url, token=None):
    headers = {"Authorization": f"Token {token}"} if token else {}
    return requests.get(f"{url}/frames/", headers=headers, timeout=30).json()["results"]


def count_jobs(url, token):
    headers = {"Authorization": f"Token {token}"}
    return +Counter(requests.get(f"{url}/ingest/jobs", headers=headers, timeout=30).json()["counts"])


def test_the_demo_fills_the_archive_and_opens_accounts(app, url):
    output = make_demo(app, url)
    record = read_record(app)
    assert (app.config["ARCHIVE"].data_dir / "demo.json").stat().st_mode & 0o777 == 0o600
    assert record["url"] == url
    assert [(account["username"], account["role"], account["proposals"]) for account in record["accounts"]] == [
        ("operator", "admin", []),
        ("observer", "user", [PROPRIETARY_PROPOSAL]),
        ("visitor", "user", []),
    ]
    with app.app_context():
        assert all(find_user_by_password(account["username"], account["password"]) for account in record["accounts"])
    for shown in (url, record["admin_token"], *(account["password"] for account in record["accounts"])):
        assert shown in output
    everything = {PUBLIC_PROPOSAL, PROPRIETARY_PROPOSAL, CALIBRATION_PROPOSAL}
    assert {frame["proposal_id"] for frame in list_frames(url, record["admin_token"])} == everything
    assert {frame["proposal_id"] for frame in list_frames(url)} == everything - {PROPRIETARY_PROPOSAL}
    assert count_jobs(url, record["admin_token"]) == {"archived": record["frames"]}


def test_a_finished_demo_is_only_shown_again(app, url):
    first, again = make_demo(app, url), make_demo(app, url)
    assert again in first
    record = read_record(app)
    assert count_jobs(url, record["admin_token"]).total() == record["frames"]


def test_an_interrupted_demo_goes_on_with_the_same_accounts_and_files(app, url):
    make_demo(app, url)
    path, record = app.config["ARCHIVE"].data_dir / "demo.json", read_record(app)
    path.write_text(json.dumps(record | {"frames": 0}))
    make_demo(app, url)
    assert read_record(app) == record
    assert count_jobs(url, record["admin_token"]) == {
        "archived": record["frames"],
        "already_archived": record["frames"],
    }


def test_accounts_of_somebody_else_are_left_alone(app):
    with app.app_context():
        create_user("operator", "secret")
        db.session.commit()
    done = app.test_cli_runner().invoke(cli.demo)
    assert done.exit_code == 1
    assert "There is a user 'operator' already." in done.output
    assert not (app.config["ARCHIVE"].data_dir / "demo.json").exists()
