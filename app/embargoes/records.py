"""What rulings are called, on pages and in a shell."""

from app.embargoes.models import Embargo
from app.times import format_utc


def describe_outcome(ruling: Embargo) -> str:
    """Say what a ruling does to the public date."""
    if not ruling.stands:
        return "cleared"
    return f"public from {format_utc(ruling.public_date)} on" if ruling.public_date else "until further notice"


def describe_extent(ruling: Embargo) -> str:
    """Say what a ruling changed when it was made: a frame's date, or the dates of so many frames."""
    if ruling.frame_id is None:
        return f"{ruling.frame_count} frame{'' if ruling.frame_count == 1 else 's'} then"
    return f"before: {format_utc(ruling.public_date_before) or 'never'}"
