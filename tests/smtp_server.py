"""A mail server on loopback: it keeps what it is sent, and answers as it was told to."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from tests.services import LOOPBACK

PATIENCE_S = 30.0


@dataclass
class MailBox:
    """What came in, and how the server shall behave.

    Attributes
    ----------
    answers
        What it says to a command, by the command's first word, in the place of yes; DATA. is the end of a mail.
    hangs_at
        A command that it does not answer, empty for its greeting.
    drips
        Whether it answers a byte at a time, for ever.
    """

    port: int
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)  # recipient, and mail
    raw: list[bytes] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    hangs_at: str | None = None
    drips: bool = False
    extensions: tuple[str, ...] = ()
    context: ssl.SSLContext | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def take(self) -> list[EmailMessage]:
        """Return what has come, and forget it."""
        taken = [mail for _, mail in self.mails]
        self.mails.clear()
        return taken


@contextmanager
def smtp_server() -> Iterator[MailBox]:
    with _Server((LOOPBACK, 0), _Talk) as server:
        box = server.box = MailBox(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield box
        finally:
            box.ended.set()
            server.shutdown()
            thread.join()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    box: MailBox

    def handle_error(self, *_args: object) -> None:
        """Keep quiet about clients that hang up."""


class _Talk(socketserver.StreamRequestHandler):
    server: _Server
    recipient = ""

    def handle(self) -> None:
        self._say("", "220 mail.example ready")
        while line := self.rfile.readline():
            command = line.decode().strip()
            self.server.box.commands.append(command)
            word = command.partition(" ")[0].upper()
            if word == "QUIT":
                self._say(word, "221 bye")
                return
            if not self._answer(word, command):
                return

    def _answer(self, word: str, command: str) -> bool:
        box = self.server.box
        if word == "EHLO":
            lines = ["mail.example", *box.extensions]
            told = "\r\n".join(f"250{'-' if line is not lines[-1] else ' '}{line}" for line in lines)
            return self._say(word, told)
        if word == "RCPT":
            self.recipient = command.partition("<")[2].partition(">")[0]
        if word == "STARTTLS" and box.context and self._say(word, "220 go on"):
            self._begin_tls(box.context)
            return True
        if word != "DATA":
            return self._say(word, "235 welcome" if word == "AUTH" else "220 go on" if word == "STARTTLS" else "250 ok")
        if not self._say(word, "354 go on") or word in box.answers:
            return word in box.answers
        raw = b""
        while (line := self.rfile.readline()) != b".\r\n":
            raw += line[1:] if line.startswith(b"..") else line
        if not box.answers.get("DATA.", "2").startswith(("4", "5")):
            box.raw.append(raw)
            box.mails.append((self.recipient, message_from_bytes(raw, policy=policy.SMTP)))
        return self._say("DATA.", "250 taken")

    def _begin_tls(self, context: ssl.SSLContext) -> None:
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.setup_files()

    def setup_files(self) -> None:
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)

    def _say(self, word: str, text: str) -> bool:
        box = self.server.box
        if box.hangs_at == word:
            box.ended.wait(PATIENCE_S)
            return False
        told = (box.answers.get(word, text) + "\r\n").encode()
        if box.drips:
            while not box.ended.wait(0.05):
                self.wfile.write(b"2")
            return False
        self.wfile.write(told)
        return True
