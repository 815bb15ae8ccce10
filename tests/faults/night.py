"""One bad night: the files are handed over while the faults strike, and at the end an operator tidies up."""

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from app.ingest.models import UNFINISHED
from tests.faults.doors import WEIGHTS, ControlSystem, Doors
from tests.faults.evidence import count_owed_messages, gather, read_jobs, save_jobs
from tests.faults.faults import choose_faults
from tests.faults.files import BREAKS, Product, make_products
from tests.faults.ledger import Ledger
from tests.faults.reckoning import Reckoning, reckon
from tests.faults.site import QUEUE, Site, running_site

LONGEST_GAP_S = 3.5  # between two faults; half of the files come with its beginning, half just before its end
LONGEST_HEAD_START_S = 0.4  # of those latter files before the fault
PATIENCE_S = 900.0
POLL_S = 3.0
OPERATORS_ROUNDS = 3
WITHOUT_RECEIPT = ("rabbitmq", "folder")  # doors that answer before there is a job


@dataclass(frozen=True)
class Plan:
    """How bad a night, and what the archive stands on."""

    files: int
    faults: int
    only: tuple[str, ...]  # parts of the names of faults; empty: all faults
    seed: int
    database: str
    store: str


def run_night(folder: Path, plan: Plan) -> Reckoning:
    """Run the whole of it in a folder, which keeps the logs; return what it came to."""
    begun_s = time.monotonic()
    ledger = Ledger(folder / "ledger.jsonl")
    products = make_products(folder / "telescope", plan.files, WEIGHTS, plan.seed)
    with running_site(folder, database=plan.database, store=plan.store, files=plan.files, seed=plan.seed) as site:
        doors = Doors(site.archive, site.rabbit.url, QUEUE, folder / "telescope" / "watched", ledger)
        strike_while_handing_over(site, ledger, ControlSystem(doors), products, plan)
        wait_for_quiet(site, ledger)
        helped = retry_as_an_operator(site, ledger)
        wait_for_messages(site)
        site.archive.stop()
        audit = audit_and_repair(site, ledger)
        save_jobs(site, folder / "jobs.jsonl")
        reckoning = reckon(ledger, gather(site))
    reckoning.figures |= {
        "seconds": round(time.monotonic() - begun_s),
        "faults": ledger.faults,
        "needed the operator": helped,
        "audit": audit,
        "disk can be full": site.disk is not None,
    }
    return reckoning


def strike_while_handing_over(
    site: Site, ledger: Ledger, control_system: ControlSystem, products: list[Product], plan: Plan
) -> None:
    """Hand over some files, let a fault strike while they are under way, and so on to the end of both.

    A fault that lasts does so until the next such one is due, while others strike.
    """
    random = Random(plan.seed)
    chosen = choose_faults(site, plan.faults, plan.only, random)
    with ExitStack() as lasting:
        for number, fault in enumerate(chosen):
            begin, middle, end = (
                int(place * len(products) / len(chosen)) for place in (number, number + 0.5, number + 1)
            )
            control_system.hand_over(products[begin:middle])
            time.sleep(random.uniform(0, LONGEST_GAP_S))
            control_system.hand_over(products[middle:end])
            time.sleep(random.uniform(0, LONGEST_HEAD_START_S))
            if fault.exclusive:
                lasting.close()
            ledger.strike(fault.name)
            lasting.enter_context(fault.bring_about(site, random))
    control_system.wait()


def wait_for_quiet(site: Site, ledger: Ledger) -> None:
    """Return when every file that was taken has its job, and every job has ended; or when patience ends."""
    deadline_s = time.monotonic() + PATIENCE_S
    while is_busy(site, ledger) and time.monotonic() < deadline_s:
        time.sleep(POLL_S)
    ledger.note("quiet", in_time=time.monotonic() < deadline_s)


def is_busy(site: Site, ledger: Ledger) -> bool:
    jobs = read_jobs(site)
    if any(job.state in UNFINISHED for job in jobs):  # pictures may still be owed: nobody was promised them
        return True
    begun = {(job.door, Path(job.filepath).parent.name) for job in jobs}
    promised = {(door, product.path.parent.name) for product, door in ledger.taken if door in WITHOUT_RECEIPT}
    return not promised <= begun


def retry_as_an_operator(site: Site, ledger: Ledger) -> Counter[str]:
    """Try again, some times, what failed for a reason that does not lie in the file; return how often, by code."""
    helped: Counter[str] = Counter()
    for _round in range(OPERATORS_ROUNDS):
        failed = [job for job in list_failed(site) if job["error_code"] not in BREAKS]
        if not failed:
            break
        for job in failed:
            ledger.note("operator retries", job=job)
            helped[job["error_code"]] += 1
            site.archive.request("POST", f"/ingest/jobs/{job['id']}/retry").raise_for_status()
        wait_for_quiet(site, ledger)
    return helped


def list_failed(site: Site) -> list[dict[str, Any]]:
    answer = site.archive.request("GET", "/ingest/jobs?state=failed&limit=1000")
    answer.raise_for_status()
    return answer.json()["results"]


def wait_for_messages(site: Site) -> None:
    """Return when the outbox is empty, or when patience ends."""
    deadline_s = time.monotonic() + PATIENCE_S
    while count_owed_messages(site) and time.monotonic() < deadline_s:
        time.sleep(POLL_S)


def audit_and_repair(site: Site, ledger: Ledger) -> str:
    """Let the audit remove what no row names; return the last line that it says."""
    audit = site.archive.run("audit", "--at-rest", "--repair", "delete-orphans", "--repair", "delete-leftovers")
    ledger.note("audit", status=audit.returncode, output=audit.stdout, errors=audit.stderr)
    return (audit.stdout.strip().splitlines() or [audit.stderr])[-1]
