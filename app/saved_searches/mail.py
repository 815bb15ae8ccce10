"""Hands mails to the mail server that the settings name, and tells what its answers mean."""

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage

from app.config import AppConfig
from app.events.exceptions import MessageRefusedError, TargetAwayError
from app.settings import STARTTLS, TLS

TIMEOUT_S = 15.0  # for each answer
OK, REFUSED = 250, 500


class DeliveryUnknownError(TargetAwayError):
    """The server had the whole mail, and did not say whether it took it."""


def send_mail(config: AppConfig, mail: EmailMessage, recipient: str) -> None:
    """Return when the mail server has taken a mail.

    Raises
    ------
    TargetAwayError
        If it does not answer, or has no time, or does not let us in: no mail goes out.
    DeliveryUnknownError
        If it may have taken the mail all the same.
    MessageRefusedError
        If it will not have this mail, or not for this address.
    """
    if not config.smtp_host:
        raise TargetAwayError("the archive has no mail server any longer (SMTP_HOST)")
    try:
        server = _connect(config)
    except (OSError, smtplib.SMTPException) as error:
        raise TargetAwayError(_describe(config, error)) from error
    try:
        _hand_over(server, config, mail, recipient)
    except (OSError, smtplib.SMTPException) as error:
        raise TargetAwayError(_describe(config, error)) from error
    finally:
        with suppress(OSError, smtplib.SMTPException):  # it has the mail, or we have told why not
            server.quit()
        server.close()


def _connect(config: AppConfig) -> smtplib.SMTP:
    """Connect, and log in if a user is set."""
    where, context = (config.smtp_host, config.smtp_port), ssl.create_default_context()
    if config.smtp_security == TLS:
        server: smtplib.SMTP = smtplib.SMTP_SSL(*where, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(*where, timeout=TIMEOUT_S)
    try:
        if config.smtp_security == STARTTLS:
            server.starttls(context=context)
        server.ehlo_or_helo_if_needed()
        if config.smtp_user:
            server.login(config.smtp_user, config.smtp_password)
    except (OSError, smtplib.SMTPException):
        server.close()
        raise
    return server


def _hand_over(server: smtplib.SMTP, config: AppConfig, mail: EmailMessage, recipient: str) -> None:
    code, answer = server.mail(config.mail_from)
    if code != OK:  # about us, and so about all mails
        raise TargetAwayError(f"{config.smtp_host} takes no mail from {config.mail_from}: {_read(code, answer)}")
    _check(config, *server.rcpt(recipient))
    try:
        _check(config, *server.data(mail.as_bytes()))
    except smtplib.SMTPDataError as error:  # it does not want to begin
        _check(config, error.smtp_code, error.smtp_error)
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryUnknownError(_describe(config, error)) from error


def _check(config: AppConfig, code: int, answer: bytes | str) -> None:
    if code >= REFUSED:
        raise MessageRefusedError(f"{config.smtp_host} answered {_read(code, answer)}")
    if code // 100 != OK // 100:
        raise TargetAwayError(f"{config.smtp_host} answered {_read(code, answer)}")


def _read(code: int, answer: bytes | str) -> str:
    return f"{code} {answer.decode(errors='replace') if isinstance(answer, bytes) else answer}"


def _describe(config: AppConfig, error: Exception) -> str:
    told = _read(error.smtp_code, error.smtp_error) if isinstance(error, smtplib.SMTPResponseException) else error
    return f"{config.smtp_host}:{config.smtp_port}: {told}"
