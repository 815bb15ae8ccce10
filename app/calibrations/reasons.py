"""Why a calibration is offered, in words."""

from typing import Any

from app.calibrations.kinds import SAME_S, SAME_SHARE, Kind
from app.calibrations.readouts import Readout
from app.times import format_ago


def describe_own(product: str) -> str:
    """Say whose header names a calibration: the frame's, or that of a product made from it."""
    return f"named in the header of {product}, which was made from this frame" if product else "named in its header"


def describe_nearest(kind: Kind, frame: Any, calibration: Any, readouts: tuple[Readout, Readout]) -> str:
    """Say how near the row of a calibration is to that of a frame, and how the two differ.

    Parameters
    ----------
    readouts
        The frame's, and the calibration's.
    """
    master = "reduced " if calibration.reduction_level > 0 else ""
    parts = [f"{master}{kind.name} {_describe_time(frame, calibration)}"]
    if kind.same_exposure:
        parts.append(_describe_exposure(frame.exposure_time, calibration.exposure_time))
    if kind.same_element and calibration.primary_optical_element:
        parts.append(f"in {calibration.primary_optical_element}")
    parts.append(_describe_binning(*readouts))
    return ", ".join(filter(None, parts))


def _describe_time(frame: Any, calibration: Any) -> str:
    is_before = calibration.observation_date <= frame.observation_date
    ago = format_ago(calibration.observation_date, frame.observation_date)
    apart = f"{ago} {'before' if is_before else 'after'}"
    is_same = frame.observation_day is not None and frame.observation_day == calibration.observation_day
    return f"of the same night, {apart}" if is_same else apart


def _describe_exposure(frame_s: float | None, calibration_s: float | None) -> str:
    if frame_s is None or calibration_s is None:
        return ""
    if abs(calibration_s - frame_s) <= max(SAME_SHARE * frame_s, SAME_S):
        return "as long as the frame"
    than = "longer" if calibration_s > frame_s else "shorter"
    return f"{calibration_s:.7g} s, {than} than the frame's {frame_s:.7g} s"


def _describe_binning(frame: Readout, calibration: Readout) -> str:
    if not frame.binning:
        return "the frame's header states no binning"
    return f"binning {frame.binning}" if calibration.binning else "whose header states no binning"
