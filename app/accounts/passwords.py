"""Which passwords are taken: as NIST SP 800-63B asks, long ones, and no rule of letters and digits."""

from app.errors import BadRequest

SHORTEST, LONGEST = 10, 1000


def check_password(password: str, username: str) -> str:
    """Return a new password that will do.

    Raises
    ------
    BadRequest
        If it is easily guessed, or longer than anybody types.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadRequest(f"A password has at least {SHORTEST} characters, and {LONGEST} at most.", code="bad_password")
    if username.casefold() in password.casefold() and len(password) < len(username) + SHORTEST:
        raise BadRequest("This password is little more than the user's name.", code="bad_password")
    return password
