"""How long requests take: percentiles over many, by one client and by four; and how noisy the machine is meanwhile."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.http_client import Clients, Request, Sent, count_rows

LOOP_STEPS = 200_000
LOOPS = 3
TURNS = 8


@dataclass(frozen=True)
class Figures:
    """What the requests of a cell took, in ms, and what they brought."""

    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    per_s: float
    rows: int  # of the first answer of the first client
    size: int  # bytes of a body, on average


@dataclass(frozen=True)
class Effort:
    """How much is put into a cell: it ends after so many seconds, or so many requests."""

    seconds: float
    requests: int


def measure(crowd: Clients, port: int, requests: Sequence[Request], clients: int, effort: Effort) -> Figures:
    """Send requests by some clients at once."""
    return _summarise(crowd.send(port, requests, clients, effort.seconds, effort.requests), clients)


def measure_by_turns(
    crowd: Clients, asked: Mapping[str, tuple[int, Sequence[Request]]], clients: int, effort: Effort
) -> dict[str, Figures]:
    """Send requests to several servers in turn, again and again: a machine's slow phase is one for all of them.

    Parameters
    ----------
    asked
        By a server's name its port, and what it is asked.
    effort
        What is put into each of them.
    """
    sent: dict[str, list[Sent]] = {name: [] for name in asked}
    for turn in range(TURNS):
        for name, (port, requests) in asked.items():
            first = turn * len(requests) // TURNS
            rotated = [*requests[first:], *requests[:first]]
            sent[name] += crowd.send(port, rotated, clients, effort.seconds / TURNS, -(-effort.requests // TURNS))
    return {name: _summarise(parts, clients) for name, parts in sent.items()}


def _summarise(sent: Sequence[Sent], clients: int) -> Figures:
    """Return the figures of what was sent by so many clients at a time, in turns of the same length."""
    turns = len(sent) / clients
    durations_s = sorted(duration for part in sent for duration in part.durations_s)
    return Figures(
        len(durations_s),
        *(round(find_percentile(durations_s, share) * 1000, 3) for share in (0.5, 0.95, 0.99)),
        round(sum(len(part.durations_s) / part.whole_s for part in sent) / turns, 1),
        count_rows(sent[0].example),
        round(sum(part.size for part in sent) / len(durations_s)),
    )


def find_percentile(ordered: Sequence[float], share: float) -> float:
    """Return the least value that a share of all does not exceed."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def time_loop_ms() -> float:
    """Time a fixed piece of work of one processor: what else the machine does shows in it."""
    return round(median(_time_loop_ms() for _ in range(LOOPS)), 2)


def _time_loop_ms() -> float:
    begin_s, total = time.perf_counter(), 0
    for number in range(LOOP_STEPS):
        total += number * number & 7
    return (time.perf_counter() - begin_s) * 1000
