"""What an exception of the `kubernetes` package or of urllib3 below it means to us."""

from __future__ import annotations

import json
import ssl


class Elsewhere(Exception):  # noqa: N818 - it is no error yet: another address may answer
    """Not the cluster, at this address.

    Args:
        why: a few words.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Silence(Elsewhere):
    """Nobody answered there."""


class Stranger(Elsewhere):
    """Who answers there has no certificate of the authority we know."""


class Refusal(Exception):  # noqa: N818 - as Silence
    """The API said no.

    Args:
        status: of HTTP.
        reason: in the API's word.
        text: its sentence, or the whole answer.
    """

    def __init__(self, status: int, reason: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason
        self.text = text


_STARTING = (502, 503, 504)
"""What a server says that is starting, ending or has lost etcd: another one may know better."""

_NO_MAJORITY = ("etcdserver: ", "context deadline exceeded", "leader changed")
"""Words of an internal error that is etcd's."""


def meaning(error: Exception) -> Silence | Stranger | Refusal:
    """What it means.

    Args:
        error: of the package, of urllib3 or of the system.
    """
    from kubernetes.client import ApiException
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError

    cause: BaseException = error
    if isinstance(error, ApiException):
        if error.status:
            return _refusal(error.status, error.body or "", error.reason or "")
        cause = error.__context__ or error
    if _untrusted(cause):
        return Stranger(_words(cause))
    # urllib3 counts a refused connection among those that timed out.
    if isinstance(cause, ConnectTimeoutError) and not isinstance(cause, NewConnectionError):
        return Silence("no answer in time")
    if isinstance(cause, ReadTimeoutError):
        return Silence("it took the question and did not answer in time")
    return Silence(_words(cause))


def _refusal(status: int, body: str, reason: str) -> Silence | Refusal:
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if isinstance(said, dict):
        body, reason = str(said.get("message", "")), str(said.get("reason", reason))
    lost = status in _STARTING or (status >= 500 and any(word in body for word in _NO_MAJORITY))  # noqa: PLR2004
    if lost and not body.lstrip().startswith("["):
        return Silence(body.strip() or f"{status} {reason}".strip())
    return Refusal(status, reason, body)


def _untrusted(error: BaseException) -> bool:
    """Whether a certificate was refused, theirs by us or ours by them."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return True
        if any(
            word in str(seen) for word in ("CERTIFICATE_VERIFY_FAILED", "ALERT_UNKNOWN_CA", "BAD_CERTIFICATE")
        ):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _words(error: BaseException) -> str:
    """The innermost reason, in the system's words."""
    inner: BaseException = error
    while (deeper := inner.__cause__ or inner.__context__) is not None:
        inner = deeper
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"its certificate is not of this cluster: {inner.verify_message}"
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror.lower()
    return str(inner) or type(inner).__name__
