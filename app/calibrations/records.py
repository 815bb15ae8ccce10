"""The calibrations of several frames together: each once, and what is told of them."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from app.calibrations.kinds import Kind
from app.calibrations.queries import Calibration, FrameCalibrations, sum_sizes
from app.pages import format_count, format_size

MOST_NAMED = 3  # frames for which something is missing


class Together:
    """The best calibrations of some frames.

    Attributes
    ----------
    by_id
        Each of them, by the number of its frame.
    missing
        By kind, the basenames of the frames for which there is none.
    """

    def __init__(self, found: Iterable[FrameCalibrations]) -> None:
        self.by_id: dict[int, Calibration] = {}
        self.missing: dict[Kind, list[str]] = {}
        for each in found:
            self.by_id |= {calibration.frame.row.id: calibration for calibration in each.best}
            for kind in each.missing:
                self.missing.setdefault(kind, []).append(each.frame.row.basename)

    def describe(self, known: Collection[int]) -> str:
        """Say what was added to a cart that had some of them, and what is missing."""
        added = [calibration for frame_id, calibration in self.by_id.items() if frame_id not in known]
        kinds = Counter(calibration.kind for calibration in added)
        size = format_size(sum_sizes(calibration.frame for calibration in added))
        sentences = []
        if added:
            counts = ", ".join(_count(number, kind.name, kind.plural) for kind, number in kinds.items())
            sentences.append(f"{_count(len(added), 'frame', 'frames')}, {size}, added to the cart: {counts}.")
        elif self.by_id:
            sentences.append(f"All {format_count(len(self.by_id))} calibrations are in the cart already.")
        else:
            sentences.append("No calibration was found.")
        if added and len(added) < len(self.by_id):
            sentences.append(f"{_count(len(self.by_id) - len(added), 'was', 'were')} in it already.")
        sentences += [f"No {kind.name} suits {_name(basenames)}." for kind, basenames in self.missing.items()]
        return " ".join(sentences)


def _count(number: int, one: str, several: str) -> str:
    return f"{format_count(number)} {one if number == 1 else several}"


def _name(basenames: Sequence[str]) -> str:
    """Name some frames, and say how many more there are."""
    more = len(basenames) - MOST_NAMED
    named = ", ".join(basenames[:MOST_NAMED])
    return f"{named} and {_count(more, 'other', 'others')}" if more > 0 else named
