"""What can go wrong between us and a web server, each told in the five parts of an error."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from urllib.parse import urlsplit

from wizard.core.errors import WizardError
from wizard.core.text import printable

RESUMABLE = "Running again is safe: what has arrived is kept and the download goes on from there."
"""The fifth part of every error of a download."""

FETCH_ELSEWHERE = (
    "or on a machine with a better line: wizard artifacts fetch ./artifacts   "
    "(bring the folder here, then: wizard apply --artifacts ./artifacts)"
)
"""The way round any download that fails."""


class Kind(StrEnum):
    """What kind of failure it is; tests and callers tell them apart by this, people by the text."""

    NAME = "name not found"
    REFUSED = "connection refused"
    CONNECT_TIMEOUT = "connect timeout"
    STALL = "stalled"
    DROPPED = "connection dropped"
    TRUNCATED = "truncated"
    UNKNOWN_CA = "unknown CA"
    EXPIRED = "certificate expired"
    WRONG_NAME = "certificate of another name"
    TLS = "TLS"
    PROXY = "proxy"
    NOT_FOUND = "not found"
    DENIED = "denied"
    BUSY = "too many requests"
    SERVER = "server error"
    STATUS = "unexpected status"
    REDIRECT = "redirect"
    RANGE = "range"
    TOO_LARGE = "too large"
    PROTOCOL = "protocol"


TRANSIENT = {
    Kind.NAME,
    Kind.REFUSED,
    Kind.CONNECT_TIMEOUT,
    Kind.STALL,
    Kind.DROPPED,
    Kind.TRUNCATED,
    Kind.BUSY,
    Kind.SERVER,
    Kind.RANGE,
}
"""Failures that another try may mend."""


class HttpError(WizardError):
    """A request failed.

    Args:
        kind: of failure.
        what: one sentence.
        where: the address asked.
        why: as far as it is known.
        do: what to do next, before the general advice.
        retry_after: seconds the server asks us to wait, if it does.
        challenge: how the server wants to be asked again (`WWW-Authenticate` of a 401); empty = not at all.
    """

    def __init__(
        self,
        kind: Kind,
        what: str,
        *,
        where: str,
        why: str,
        do: tuple[str, ...],
        retry_after: float | None = None,
        challenge: str = "",
    ) -> None:
        super().__init__(what, where=where, why=why, do=(*do, FETCH_ELSEWHERE), again=RESUMABLE)
        self.kind = kind
        self.retry_after = retry_after
        self.challenge = challenge

    @property
    def transient(self) -> bool:
        """Whether another try may mend it."""
        return self.kind in TRANSIENT


def status_error(
    status: int, url: str, retry_after: str = "", *, challenge: str = "", now: datetime | None = None
) -> HttpError:
    """What an answer that brings no file means.

    Args:
        status: the HTTP status.
        url: that was asked.
        retry_after: the header of that name, if any: seconds or a date.
        challenge: the header `WWW-Authenticate`, if any.
        now: the time, for a date; the system's when not given.
    """
    host = urlsplit(url).hostname
    kind, what, why, do = _status_words(status, host or url, url)
    wait = seconds_to_wait(retry_after, now or datetime.now(UTC))
    if wait is not None:
        why += f"; the server asks to wait {wait:.0f} seconds"
    asked = challenge if status == 401 else ""  # noqa: PLR2004 - the only status that asks for a login
    return HttpError(kind, what, where=url, why=why, do=(do,), retry_after=wait, challenge=asked)


def _status_words(status: int, host: str, url: str) -> tuple[Kind, str, str, str]:
    look = f"see the whole answer: curl -sSIL {url}"
    said = f"{host} answered with status {status}"
    if status in {404, 410}:
        return (
            Kind.NOT_FOUND,
            "the file is not there any more",
            said,
            f"see whether it moved: curl -sSIL {url}",
        )
    if status in {401, 403, 451}:
        return Kind.DENIED, f"{host} refuses to hand the file out", said, look
    if status == 407:  # noqa: PLR2004 - the status of the RFC
        return Kind.PROXY, "the proxy wants a user and a password", said, _PROXY_DO
    if status == 429:  # noqa: PLR2004
        return Kind.BUSY, f"{host} says we ask too often", said, "wait, then run the same command again"
    if status in {408, 425} or 500 <= status <= 599:  # noqa: PLR2004
        return Kind.SERVER, f"{host} has trouble of its own", said, "wait a few minutes and run it again"
    if status == 416:  # noqa: PLR2004
        return Kind.RANGE, "the server cannot go on where the download stopped", said, look
    return Kind.STATUS, f"{host} gave an answer we cannot use", said, look


def seconds_to_wait(header: str, now: datetime) -> float | None:
    """What a Retry-After header asks for, in seconds; None where it says nothing usable.

    Args:
        header: seconds, or an HTTP date.
        now: the time, with its zone.
    """
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    zoned = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (zoned - now).total_seconds())


def plain_redirect(url: str, target: str) -> HttpError:
    """A server sends us from https to something else."""
    return HttpError(
        Kind.REDIRECT,
        "the server sends us on to an address that is not encrypted",
        where=url,
        why=f"it redirects to {printable(target[:200])}; only https is followed",
        do=(f"look whether a captive portal answers in its place: curl -sSI {url}",),
    )


def endless_redirect(url: str, hops: int) -> HttpError:
    """A server sends us round and round."""
    return HttpError(
        Kind.REDIRECT,
        "the server sends us from one address to the next without end",
        where=url,
        why=f"more than {hops} redirects",
        do=(f"see where they lead: curl -sSIL {url}",),
    )


def too_large(url: str, limit: int, told: int | None = None) -> HttpError:
    """A body larger than we accept."""
    size = f"the server announces {told} bytes" if told is not None else "more bytes came than that"
    return HttpError(
        Kind.TOO_LARGE,
        "the server sends more than this file can be",
        where=url,
        why=f"{size}; at most {limit} bytes are accepted",
        do=(f"see what it is: curl -sSIL {url}",),
    )


def truncated(url: str, done: int, total: int) -> HttpError:
    """The body ended before its announced length."""
    return HttpError(
        Kind.TRUNCATED,
        "the download ended before the file was whole",
        where=url,
        why=f"{done} of {total} bytes came",
        do=("run the same command again",),
    )


def protocol_error(url: str, why: str, kind: Kind = Kind.PROTOCOL) -> HttpError:
    """The server breaks HTTP."""
    return HttpError(
        kind,
        "the server's answer makes no sense",
        where=url,
        why=printable(why),
        do=(f"see it as it is: curl -sSIv {url}",),
    )


def stalled(url: str, why: str) -> HttpError:
    """Nothing comes any more, or next to nothing."""
    return HttpError(
        Kind.STALL,
        "the download stalled",
        where=url,
        why=why,
        do=("look at the line, then run the same command again",),
    )


def connection_error(error: Exception, url: str, proxy: str, *, proxied: bool) -> HttpError:
    """What a failed connection means, by the first cause that can be named.

    Args:
        error: what the HTTP library raised; its causes are looked through.
        url: that was asked.
        proxy: the proxy the environment names for it, without its password; empty = none.
        proxied: whether the library says that it was the proxy.
    """
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return certificate_error(cause, url)
    if proxied or proxy:
        return _proxy_error(error, url, proxy)
    host = urlsplit(url).hostname or url
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return _unconnected(
                Kind.NAME, f"the name {host} cannot be resolved", url, cause, f"getent hosts {host}"
            )
        if isinstance(cause, ssl.SSLError):
            return _unconnected(
                Kind.TLS, f"no encrypted connection to {host} comes about", url, cause, f"curl -sSIv {url}"
            )
    return _unconnected(Kind.REFUSED, f"no connection to {host}", url, error, f"curl -sSIv {url}")


def certificate_error(cause: ssl.SSLCertVerificationError, url: str) -> HttpError:
    """What is wrong with a server's certificate, by OpenSSL's verify code (x509_vfy.h)."""
    host = urlsplit(url).hostname
    why = f"{cause.verify_message or cause.reason} (OpenSSL verify code {cause.verify_code})"
    if cause.verify_code in {9, 10}:
        what, do = (
            f"the certificate of {host} is not valid today",
            "see whether this machine's clock is right: date",
        )
        return HttpError(Kind.EXPIRED, what, where=url, why=why, do=(do,))
    if cause.verify_code in {62, 64}:
        what, do = f"the certificate is not for {host}", f"see whom it is for: curl -sSIv {url}"
        return HttpError(Kind.WRONG_NAME, what, where=url, why=why, do=(do,))
    return HttpError(
        Kind.UNKNOWN_CA,
        f"the certificate of {host} is signed by nobody this machine trusts",
        where=url,
        why=why,
        do=(
            f"see who signed it (a proxy that looks into traffic?): curl -sSIv {url}",
            "if it is your own proxy's CA: SSL_CERT_FILE=/path/to/ca.pem wizard artifacts list",
        ),
    )


_PROXY_DO = (
    "see what is set: env | grep -i _proxy   (then for instance: export HTTPS_PROXY=http://proxy:3128)"
)


def _proxy_error(error: Exception, url: str, proxy: str) -> HttpError:
    return HttpError(
        Kind.PROXY,
        f"the proxy {proxy or 'of this machine'} does not let us through",
        where=url,
        why=re.sub(r"//[^/@\s]*@", "//", printable(str(error) or type(error).__name__)),
        do=(_PROXY_DO, "or go without it: NO_PROXY=* wizard artifacts list"),
    )


def _unconnected(kind: Kind, what: str, url: str, error: BaseException, look: str) -> HttpError:
    why = printable(str(error) or type(error).__name__)
    return HttpError(kind, what, where=url, why=why, do=(f"look for yourself: {look}",))


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(20):  # a chain of causes may loop
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__
