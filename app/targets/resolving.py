"""Where the targets of a list are: by their coordinates, OpenNGC, or, for some time at most, a name resolver."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from app.frames.positions import NUMERIC, PositionError, SkyPosition, find_position
from app.targets.lists import Line

AT_A_TIME = 4  # names that the resolver is asked for
MOST_ASKED = 100
PATIENCE_S = 10.0  # with all of them


@dataclass(frozen=True)
class Target:
    """A target of a list, and where it is; `fault` says why that is not known."""

    line: Line
    position: SkyPosition | None = None
    fault: str = ""
    is_unknown_name: bool = False


def find_positions(lines: Sequence[Line], resolver_url: str = "") -> list[Target]:
    """Find out where targets are. The resolver is asked only for names that OpenNGC does not have."""
    targets = [_find_offline(line) for line in lines]
    if not resolver_url:
        return targets
    unknown = list(dict.fromkeys(target.line.place for target in targets if target.is_unknown_name))
    answers = _ask(unknown[:MOST_ASKED], resolver_url)
    answers |= dict.fromkeys(
        unknown[MOST_ASKED:], f"The name resolver is asked for {MOST_ASKED} names at a time: send the rest by itself."
    )
    return [_answer(target, answers[target.line.place]) if target.is_unknown_name else target for target in targets]


def _find_offline(line: Line) -> Target:
    if line.fault:
        return Target(line, fault=line.fault)
    try:
        return Target(line, find_position(line.place))
    except PositionError as error:
        return Target(line, fault=str(error), is_unknown_name=not NUMERIC.fullmatch(line.place))


def _answer(target: Target, answer: SkyPosition | str) -> Target:
    if isinstance(answer, str):
        return Target(target.line, fault=answer, is_unknown_name=True)
    return Target(target.line, answer)


def _ask(names: Sequence[str], resolver_url: str) -> dict[str, SkyPosition | str]:
    """Ask a resolver for names, some at a time; what is not known, or not in time, is told in words."""
    pool = ThreadPoolExecutor(AT_A_TIME, "resolver")
    asked = {name: pool.submit(_resolve, name, resolver_url) for name in names}
    done, _ = wait(asked.values(), PATIENCE_S)
    pool.shutdown(wait=False, cancel_futures=True)
    late = f"The name resolver did not answer within {PATIENCE_S:.0f} s: try again, or give the position."
    answers: Mapping[str, SkyPosition | str] = {
        name: future.result() if future in done else late for name, future in asked.items()
    }
    return dict(answers)


def _resolve(name: str, resolver_url: str) -> SkyPosition | str:
    try:
        return find_position(name, resolver_url)
    except PositionError as error:
        return str(error)
