"""How often a password may be guessed: only wrong ones are counted, for the account, the address, and both together."""

import logging

from limits import RateLimitItem, parse

from app.accounts.models import User
from app.accounts.queries import find_user_by_password, hash_secret
from app.addresses import find_client_network
from app.errors import TooManyRequests
from app.extensions import get_config
from app.rate_limits import get_counters, require_below

log = logging.getLogger(__name__)

TIMES_AS_MANY = 10  # from one address for all accounts, and for one account from all addresses
#: Whoever has logged in from an address is known there for so long, and strangers elsewhere can't keep them out.
KNOWN_FOR = parse("1/30 days")
LONGEST_NAME = 80
Guesses = list[tuple[RateLimitItem, str]]


def check_log_in(username: str, password: str) -> User | None:
    """Return the user with this name and password, as `find_user_by_password`, unless too many were wrong of late.

    Raises
    ------
    TooManyRequests
        Whether there is such a user or not.
    """
    account, client = hash_secret(username), find_client_network()
    guesses = _list_guesses(account, client)
    _require_few(guesses, username, client)
    user = find_user_by_password(username, password)
    counted = [(KNOWN_FOR, _here(account, client))] if user else guesses
    for limit, key in counted:
        get_counters().hit(limit, key)
    return user


def _list_guesses(account: str, client: str) -> Guesses:
    """Return what a wrong password counts for."""
    limit = get_config().log_in_limit
    if limit is None:
        return []
    many = type(limit)(TIMES_AS_MANY * limit.amount, limit.multiples)
    guesses = [(limit, f"guess {account} {client}"), (many, f"guess {client}")]
    is_known = not get_counters().test(KNOWN_FOR, _here(account, client))
    return guesses if is_known else [*guesses, (many, f"guess {account}")]


def _require_few(guesses: Guesses, username: str, client: str) -> None:
    message = "There were too many wrong passwords, for this account or from your address."
    try:
        for limit, key in guesses:
            require_below(limit, key, message, counts=False)
    except TooManyRequests:
        log.warning("too many wrong passwords: one for %r from %s is not looked at", username[:LONGEST_NAME], client)
        raise


def _here(account: str, client: str) -> str:
    return f"known {account} {client}"
