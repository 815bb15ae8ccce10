"""What an attack is: what somebody is after, what they send, and which answers they must get."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.attacks.attacker import Answer
from tests.attacks.site import Site

Run = Callable[[Site], Iterable[Answer | str]]


@dataclass(frozen=True)
class Attack:
    """One line of docs/security.md.

    Attributes
    ----------
    run
        Makes the requests and gives their answers, or a word on what came of it; it asserts whatever else must hold.
    outcome
        What `summarize` must make of the answers.
    """

    title: str
    aim: str
    outcome: str
    run: Run


class Chapter(list[Attack]):
    """Attacks of one kind, in the order of the document."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = title

    def add(self, title: str, aim: str, outcome: str) -> Callable[[Run], Run]:
        """Decorate the function that runs an attack."""

        def register(run: Run) -> Run:
            self.append(Attack(title, aim, outcome, run))
            return run

        return register


def summarize(answers: Iterable[Answer | str]) -> str:
    """Return which answers there were, each once."""
    return ", ".join(sorted({str(answer) for answer in answers}))
