"""Fills an archive with the demo: ``flask --app wsgi demo --url http://127.0.0.1:8000``."""

import datetime as dt
import json
import os
import secrets
import sys
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import click
import requests
from flask.cli import with_appcontext
from rich.console import Console

from app.accounts.actions import create_token, create_user
from app.demo.exposures import PlannedFrame, Product
from app.demo.night_log import PROPRIETARY_PROPOSAL, find_last_night, plan_nights
from app.demo.submit import Archive, StandstillError, fill_archive
from app.errors import BadRequest
from app.extensions import db, get_config

SEED = 20
OPERATOR = "operator"
PROPOSALS: dict[str, list[str]] = {OPERATOR: [], "observer": [PROPRIETARY_PROPOSAL], "visitor": []}


class Account(TypedDict):
    """Somebody who may log in."""

    username: str
    password: str
    role: str
    proposals: list[str]


class Demo(TypedDict):
    """What ``demo.json`` keeps; `frames` is 0 until all of them are in, and `last_night` dates them until then."""

    url: str
    admin_token: str
    accounts: list[Account]
    last_night: str
    frames: int


@click.command("demo")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Address of the running archive.")
@with_appcontext
def demo(url: str) -> None:
    """Fill the archive at an address with simulated frames, and print how to try it.

    It uses this archive's database for the accounts, and HTTP for everything else. Run it again to see the accounts
    once more, or to go on where it was interrupted.
    """
    console = Console(soft_wrap=True)
    data_dir = get_config().data_dir
    try:
        record = _open_accounts(url.rstrip("/"), data_dir / "demo.json")
        failed = 0 if record["frames"] else _fill(record, data_dir, console)
    except requests.RequestException as error:
        raise click.ClickException(f"The archive at {url} does not answer, or refuses: {error}") from error
    except (BadRequest, StandstillError) as error:
        raise click.ClickException(f"{error}") from error
    _print_welcome(record, data_dir, console)
    if failed:
        raise click.ClickException(f"{failed} frames were not archived; {url}/ingest says why.")


def _open_accounts(url: str, path: Path) -> Demo:
    """Return the demo's record; make it, and the accounts, if this archive does not know them yet."""
    if path.exists():
        record: Demo = json.loads(path.read_text())
        record["url"] = url
        if Archive(url, record["admin_token"]).knows_token():
            return record
    record = _create_accounts(url)
    db.session.commit()
    _write_record(record, path)
    return record


def _create_accounts(url: str) -> Demo:
    accounts: list[Account] = [
        {
            "username": username,
            "password": secrets.token_urlsafe(12),
            "role": "admin" if username == OPERATOR else "user",
            "proposals": proposals,
        }
        for username, proposals in PROPOSALS.items()
    ]
    users = {
        account["username"]: create_user(
            account["username"],
            account["password"],
            is_admin=account["role"] == "admin",
            proposals=account["proposals"],
        )
        for account in accounts
    }
    return {
        "url": url,
        "admin_token": create_token(users[OPERATOR], "demo"),
        "accounts": accounts,
        "last_night": f"{find_last_night(dt.datetime.now(dt.UTC))}",
        "frames": 0,
    }


def _write_record(record: Demo, path: Path) -> None:
    """Write the record whole or not at all, for nobody's eyes but the owner's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(record, file, indent=2)
    new.replace(path)


def _fill(record: Demo, data_dir: Path, console: Console) -> int:
    """Make, submit and await the frames; return how many failed."""
    from app.demo.files import write_frame  # astropy comes with it

    frames = plan_nights(dt.date.fromisoformat(record["last_night"]), SEED)
    console.print(f"Filling the archive with {len(frames)} simulated frames …", highlight=False)
    folder = data_dir / "demo"
    folder.mkdir(exist_ok=True)
    failed = fill_archive(Archive(record["url"], record["admin_token"]), frames, SEED, folder, console)
    write_frame(_plan_sample(frames), folder, SEED)
    record["frames"] = len(frames) - failed
    _write_record(record, data_dir / "demo.json")
    return failed


def _plan_sample(frames: list[PlannedFrame]) -> PlannedFrame:
    """Plan one frame more, for its reader to ingest: the newest reduced image, taken once again."""
    newest = max(
        (frame for frame in frames if frame.product is Product.REDUCED), key=lambda frame: frame.exposure.start
    )
    exposure = replace(newest.exposure, start=newest.exposure.start + dt.timedelta(hours=1), number=9999)
    return PlannedFrame(exposure, Product.REDUCED)


def _print_welcome(record: Demo, data_dir: Path, console: Console) -> None:
    url, token = record["url"], record["admin_token"]
    flask = os.path.relpath(Path(sys.executable).with_name("flask"))
    sample = next((data_dir / "demo").glob("*"), Path("FILE.fits"))
    lines = [f"\nThe archive is at {url}", "\nAccounts (kept, with the token, in demo.json of the data folder):"]
    for account in record["accounts"]:
        members = ", ".join(account["proposals"]) or "no proposal"
        lines.append(f"  {account['username']:9} {account['password']:18} {account['role']}, {members}")
    lines += [
        f"\nOperator's API token: {token}",
        "\nTry:",
        f"  curl '{url}/frames/?target_name=M31&reduction_level=91'",
        f"  curl -H 'Authorization: Token {token}' '{url}/frames/?ra=0.1&dec=56.7&radius=0.5'",
        f"  DATA_DIR='{data_dir}' {flask} --app wsgi ingest '{sample}'",
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False)
