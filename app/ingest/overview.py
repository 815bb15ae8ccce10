"""What an operator at 3 a.m. needs to know: how ingest stands, what is wrong, and the mend.

Everything that is counted over time is counted over the last 24 hours: the night of every site lies in them whole, and
no number falls to zero at an hour that is the middle of somebody's night.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.accounts.viewer import Viewer
from app.events.models import BROKER, label_target
from app.events.queries import TargetState, list_target_states
from app.ingest import queries
from app.ingest.bell import list_workers
from app.ingest.error_codes import MEANINGS
from app.ingest.lag import Arrival, LagChart, build_lag_chart
from app.ingest.models import UNFINISHED, JobState
from app.ingest.queries import FailureGroup, Standing
from app.pages import format_count
from app.times import format_ago

ARCHIVED: str = JobState.ARCHIVED
NIGHT = dt.timedelta(hours=24)
PATIENCE = dt.timedelta(minutes=2)  # with workers that begin nothing, and with what is due


@dataclass(frozen=True)
class Alarm:
    """Something that an operator should mend: what it is, and the command that mends it, if one does."""

    text: str
    command: str = ""
    is_bad: bool = True  # rather than something that may mend itself


@dataclass(frozen=True)
class Overview:
    """How ingest stands at a moment.

    Attributes
    ----------
    standings
        The jobs that have not ended, by state.
    ended
        How many jobs ended since `since`, by state.
    workers
        Where each worker runs, as far as Redis knows; None if it does not answer.
    longest_queued
        Since when the first of the jobs waits that nobody has tried.
    last_begun
        When a worker last began with a file.
    targets
        How far those have been told that are told of each archived version.
    """

    now: dt.datetime
    since: dt.datetime
    standings: dict[str, Standing]
    ended: Mapping[str, int]
    arrivals: list[Arrival]
    owed_previews: int
    workers: list[str] | None
    failures: list[FailureGroup]
    longest_queued: dt.datetime | None
    last_begun: dt.datetime | None
    targets: list[TargetState]

    @property
    def archived_bytes(self) -> int:
        return sum(arrival.size or 0 for arrival in self.arrivals)

    @property
    def archived_in_last_hour(self) -> int:
        hour_ago_s = self.now.timestamp() - 3600
        return sum(arrival.finished_s > hour_ago_s for arrival in self.arrivals)

    @property
    def unfinished(self) -> int:
        return sum(standing.count for standing in self.standings.values())

    @property
    def summary(self) -> str:
        """How ingest stands, in two sentences."""
        waits = f"{format_files(self.unfinished)} on the way" if self.unfinished else "Nothing waits"
        failed = format_count(self.ended[JobState.FAILED]) if self.ended[JobState.FAILED] else "nothing"
        return f"{waits}, {failed} failed in the last 24 h. {self._describe_last()}"

    @property
    def is_well(self) -> bool:
        return not self.alarms and not self.ended[JobState.FAILED]

    @property
    def alarms(self) -> list[Alarm]:
        return list(_find_alarms(self))

    def _describe_last(self) -> str:
        last = max(self.arrivals, key=lambda arrival: arrival.finished_s, default=None)
        if last is None:
            return "No frame came in."
        ago = format_ago(dt.datetime.fromtimestamp(last.finished_s, dt.UTC), self.now)
        return f"The last frame came in {ago} ago{last.site and ', from '}{last.site}."

    @property
    def lag(self) -> LagChart:
        return build_lag_chart(self.arrivals, self.since, self.now)


def build_overview(viewer: Viewer, now: dt.datetime) -> Overview:
    """Look at everything that an operator should know.

    Raises
    ------
    NotAllowed
    """
    since = now - NIGHT
    ends = queries.list_ends(viewer, since)
    return Overview(
        now,
        since,
        queries.list_standings(viewer),
        Counter(state for state, *_ in ends),
        [Arrival(site or "", end_s, lag_s, size) for state, site, end_s, lag_s, size in ends if state == ARCHIVED],
        queries.count_owed_previews(viewer),
        list_workers(),
        queries.list_failure_groups(viewer),
        queries.find_longest_queued(viewer),
        queries.find_last_begun(viewer),
        list_target_states(viewer),
    )


def format_files(count: int) -> str:
    """Write how many files something is about."""
    return f"{format_count(count)} file{'' if count == 1 else 's'}"


def name_target(target: str) -> str:
    """Name one that is told of archived versions; of a webhook's address only the host, as its path may be secret."""
    return "RabbitMQ" if target == BROKER else label_target(target)


def _find_alarms(overview: Overview) -> Iterator[Alarm]:
    if overview.workers is None:
        yield Alarm(
            "The queue (Redis, at the setting REDIS_URL) does not answer. Files are still taken in and wait in the "
            "database; nothing is lost. Start Redis again."
        )
    elif not overview.workers:
        queued = _count_queued(overview)
        yield Alarm(
            f"No worker runs{f', and {format_files(queued)} in the queue' if queued else ''}. Start one:",
            "flask --app wsgi worker",
        )
    elif _stand_still(overview):
        yield Alarm(
            f"{format_files(_count_queued(overview))} in the queue, and no worker has begun one for more than "
            f"{PATIENCE.seconds // 60} minutes, though Redis knows of {len(overview.workers)}. Look at their logs, or "
            "start another:",
            "flask --app wsgi worker",
        )
    if _is_overdue(overview):
        yield Alarm(
            "What is due is not looked after: neither the reconciler nor a worker does. Start it:",
            "flask --app wsgi reconcile",
        )
    for target in overview.targets:
        if target.failures:
            owed = f"{format_count(target.owed)} message{'' if target.owed == 1 else 's'} owed"
            yield Alarm(f"{name_target(target.name)} can't be told of what is archived, {owed}: {target.error}")
        if target.refused:
            messages = f"{format_count(target.refused)} message{'' if target.refused == 1 else 's'}"
            yield Alarm(
                f"{name_target(target.name)} will not have {messages}. Once it will, send them again; TARGET is "
                "“broker”, or the webhook's address:",
                "flask --app wsgi outbox retry TARGET",
            )
    for group in overview.failures:
        if group.waiting:
            meaning = MEANINGS.get(group.error_code, "")
            yield Alarm(
                f"{format_files(group.waiting)} to be tried again{meaning and ': '}{meaning} ({group.error_code}).",
                is_bad=False,
            )


def _count_queued(overview: Overview) -> int:
    return overview.standings[JobState.QUEUED].count


def _stand_still(overview: Overview) -> bool:
    """Say whether files wait that a worker should have begun with; one that is busy with a long file is alive."""
    patient_until = overview.now - PATIENCE
    lease_end = overview.standings[JobState.RUNNING].last_due
    is_busy = lease_end is not None and lease_end > overview.now
    has_begun = overview.last_begun is not None and overview.last_begun > patient_until
    has_waited = overview.longest_queued is not None and overview.longest_queued < patient_until
    return has_waited and not has_begun and not is_busy


def _is_overdue(overview: Overview) -> bool:
    dues = [overview.standings[state].first_due for state in UNFINISHED]
    return any(due is not None and due < overview.now - PATIENCE for due in dues)
