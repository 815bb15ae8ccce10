"""The mail server is spoken to as the settings say, and not otherwise."""

import datetime as dt
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.config import AppConfig
from app.events.exceptions import TargetAwayError
from app.saved_searches.mail import send_mail
from ocs_archive.settings import SettingError
from tests.services import LOOPBACK, free_port
from tests.smtp_server import MailBox

TO = "pi@observatory.example"
Configure = Callable[..., AppConfig]


@pytest.fixture
def configure(tmp_path: Path, mailbox: MailBox) -> Configure:
    def make(**settings: str) -> AppConfig:
        own = {
            "DATA_DIR": str(tmp_path),
            "SMTP_HOST": LOOPBACK,
            "SMTP_PORT": str(mailbox.port),
            "MAIL_FROM": "a@b.example",
        }
        return AppConfig.from_env(own | settings)

    return make


@pytest.fixture
def mail() -> EmailMessage:
    message = EmailMessage(SMTP)
    message["Subject"] = "Hello"
    message.set_content(".\nA line that begins with a dot.")
    return message


def make_certificate(folder: Path) -> Path:
    """Write a certificate of this machine, and its key, and return the file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now, names = dt.datetime.now(dt.UTC), x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(hours=1))
    signed = builder.add_extension(names, False).sign(key, hashes.SHA256())
    own_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + own_key)
    return path


def offer_tls(mailbox: MailBox, certificate: Path) -> None:
    mailbox.extensions = ("STARTTLS", "AUTH PLAIN")
    mailbox.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    mailbox.context.load_cert_chain(certificate)


def test_by_starttls_with_a_log_in(
    configure: Configure, mailbox: MailBox, mail: EmailMessage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    offer_tls(mailbox, certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    send_mail(configure(SMTP_USER="archive", SMTP_PASSWORD="secret"), mail, TO)
    ((recipient, taken),) = mailbox.mails
    assert (recipient, taken.get_content().splitlines()) == (TO, [".", "A line that begins with a dot."])
    words = [command.partition(" ")[0].upper() for command in mailbox.commands]
    assert words == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]


def test_nothing_is_said_to_a_server_without_starttls(
    configure: Configure, mailbox: MailBox, mail: EmailMessage
) -> None:
    with pytest.raises(TargetAwayError, match="STARTTLS"):
        send_mail(configure(SMTP_USER="archive", SMTP_PASSWORD="secret"), mail, TO)
    assert not any(command.startswith(("AUTH", "MAIL")) for command in mailbox.commands)


def test_nothing_is_said_to_a_server_that_nobody_vouches_for(
    configure: Configure, mailbox: MailBox, mail: EmailMessage, tmp_path: Path
) -> None:
    offer_tls(mailbox, make_certificate(tmp_path))
    with pytest.raises(TargetAwayError, match="certificate verify failed"):
        send_mail(configure(SMTP_USER="archive", SMTP_PASSWORD="secret"), mail, TO)
    assert mailbox.mails == []


def test_a_password_that_is_refused_does_not_stand_in_the_error(
    configure: Configure, mailbox: MailBox, mail: EmailMessage
) -> None:
    mailbox.extensions, mailbox.answers = ("AUTH PLAIN",), {"AUTH": "535 5.7.8 wrong"}
    with pytest.raises(TargetAwayError, match=r"535 5\.7\.8 wrong") as refused:
        send_mail(configure(SMTP_SECURITY="none", SMTP_USER="archive", SMTP_PASSWORD="secret"), mail, TO)
    assert "secret" not in str(refused.value)


def test_nobody_listens(configure: Configure, mail: EmailMessage) -> None:
    with pytest.raises(TargetAwayError, match="refused"):
        send_mail(configure(SMTP_PORT=str(free_port())), mail, TO)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"SMTP_SECURITY": "ssl"}, "SMTP_SECURITY"),
        ({"MAIL_FROM": "Archive <a@b.example>"}, "MAIL_FROM"),
        ({"MAIL_FROM": ""}, "MAIL_FROM is missing"),
        ({"SMTP_USER": "archive"}, "SMTP_PASSWORD is missing"),
    ],
)
def test_settings_that_do_not_go_together(configure: Configure, settings: dict[str, str], fault: str) -> None:
    with pytest.raises(SettingError, match=fault):
        configure(**settings)
