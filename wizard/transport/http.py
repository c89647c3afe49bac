"""HTTPS requests by httpx: the only place that knows it. One request, no retries; those are the caller's."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wizard.core.dataclass import dataclass
from wizard.core.proxy import proxy_for
from wizard.transport import http_errors as told
from wizard.transport.http_errors import HttpError, Kind

if TYPE_CHECKING:
    import httpx

FETCH_ELSEWHERE = told.FETCH_ELSEWHERE
RESUMABLE = told.RESUMABLE

__all__ = ["FETCH_ELSEWHERE", "RESUMABLE", "HttpClient", "HttpError", "Kind", "Reply", "Timeouts", "told"]

REDIRECTS = 5
"""A release on GitHub needs one, a mirror network two."""

_OK, _PARTIAL = 200, 206
_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15}|\*)")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. A server that sends nothing for `read` seconds has stalled."""

    connect: float = 10.0
    read: float = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that brings a body, or the rest of one."""

    url: str
    """The address that was asked, before any redirect."""
    offset: int
    """Where in the file the body begins: 0 where the server sends the whole file."""
    total: int | None
    """Bytes of the whole file, where the server says so."""
    validator: str
    """What tells this version of the file from another (If-Range); empty where the server gives nothing."""
    _response: httpx.Response = field(repr=False)
    _proxy: str = ""

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes.

        Raises:
            HttpError: it stalled, was cut off, or breaks HTTP.
        """
        with _translated(self.url, self._proxy):
            yield from self._response.iter_raw()  # given a size, it would keep back bytes that a break then loses


class HttpClient:
    """Asks for files over HTTPS; the proxy variables of the environment are honoured.

    Args:
        timeouts: of the connection and of a silence.
        verify: the TLS trust; the system's and httpx's own list when not given.
        env: the environment, for messages that name the proxy.
    """

    def __init__(
        self,
        *,
        timeouts: Timeouts | None = None,
        verify: ssl.SSLContext | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._timeouts = timeouts or Timeouts()
        self._verify = verify
        self._env = os.environ if env is None else env
        self._client: httpx.Client | None = None

    def close(self) -> None:
        """Drop the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @contextmanager
    def get(
        self, url: str, *, offset: int = 0, validator: str = "", headers: Mapping[str, str] | None = None
    ) -> Iterator[Reply]:
        """Ask for a file, or for the rest of it.

        Args:
            url: `https://...`.
            offset: bytes that we already have; only sent with a validator.
            validator: of the version they belong to. A server that has another one sends the whole file.
            headers: to send beside our own. `Authorization` goes to this server only, never where it redirects to.

        Raises:
            HttpError: anything but a file; its `kind` says what, `transient` whether another try may help.
        """
        sent = {
            **(headers or {}),
            "Accept-Encoding": "identity",
        }  # the digest is over the file as it lies there
        if offset and validator:
            sent |= {"Range": f"bytes={offset}-", "If-Range": validator}
        proxy = proxy_for(url, self._env)
        with _translated(url, proxy):
            response = self._follow(url, sent)
        try:
            yield _reply(response, url, offset if "Range" in sent else 0, proxy)
        finally:
            response.close()

    def _follow(self, url: str, headers: dict[str, str]) -> httpx.Response:
        client, here = self._connected(url), url
        for _ in range(REDIRECTS + 1):
            if urlsplit(here).scheme != "https":
                raise told.plain_redirect(url, here)
            response = client.send(client.build_request("GET", here, headers=headers), stream=True)
            if not response.has_redirect_location:
                return response
            response.close()
            there = str(response.url.join(response.headers["location"]))
            if urlsplit(there).netloc != urlsplit(here).netloc:
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            here = there
        raise told.endless_redirect(url, REDIRECTS)

    def _connected(self, url: str) -> httpx.Client:
        if self._client is None:
            import httpx

            limit = httpx.Timeout(self._timeouts.read, connect=self._timeouts.connect)
            verify = self._verify or _system_trust()
            agent = {"User-Agent": "homelab-wizard"}
            try:
                self._client = httpx.Client(verify=verify, timeout=limit, trust_env=True, headers=agent)
            except (ValueError, ImportError, httpx.InvalidURL) as error:
                # httpx reads the proxy variables here, and raises these for one it cannot use
                proxy = proxy_for(url, self._env)
                raise told.connection_error(error, url, proxy, proxied=True) from error
        return self._client


def _system_trust() -> ssl.SSLContext:
    import httpx

    context = httpx.create_ssl_context()  # honours SSL_CERT_FILE and SSL_CERT_DIR
    if not {"SSL_CERT_FILE", "SSL_CERT_DIR"} & set(os.environ):
        context.load_default_certs()  # a company's own CA is in the system's store, not in httpx's
    return context


@contextmanager
def _translated(url: str, proxy: str) -> Iterator[None]:
    import httpx

    try:
        yield
    except httpx.ConnectTimeout as error:
        why = "the connection did not come about in time"
        raise told.HttpError(
            Kind.CONNECT_TIMEOUT,
            "the server does not answer",
            where=url,
            why=f"{why} (through the proxy {proxy})" if proxy else why,
            do=(f"look for yourself: curl -sSIv {url}",),
        ) from error
    except httpx.TimeoutException as error:
        raise told.stalled(url, "nothing came for too long") from error
    except (httpx.ConnectError, httpx.ProxyError) as error:
        proxied = isinstance(error, httpx.ProxyError)
        raise told.connection_error(error, url, proxy, proxied=proxied) from error
    except httpx.NetworkError as error:
        raise _dropped(url, error) from error
    except httpx.RemoteProtocolError as error:
        if "disconnected" in str(error) or "peer closed" in str(error):
            raise _dropped(url, error) from error
        raise told.protocol_error(url, str(error)) from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:  # ValueError: a name no resolver takes
        raise told.protocol_error(url, str(error) or type(error).__name__) from error


def _dropped(url: str, error: Exception) -> HttpError:
    return told.HttpError(
        Kind.DROPPED,
        "the connection broke in the middle of the download",
        where=url,
        why=str(error) or type(error).__name__,
        do=("run the same command again",),
    )


def _reply(response: httpx.Response, url: str, offset: int, proxy: str) -> Reply:
    headers = response.headers
    if response.status_code not in {_OK, _PARTIAL}:
        wait, challenge = headers.get("retry-after", ""), headers.get("www-authenticate", "")
        raise told.status_error(response.status_code, url, wait, challenge=challenge)
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise told.protocol_error(
            url, f"it sends {headers['content-encoding']} although asked for the plain file"
        )
    start, total = 0, _length(headers.get("content-length", ""), url)
    if response.status_code == _PARTIAL:
        start, total = _range(headers.get("content-range", ""), url, offset)
    return Reply(url, start, total, _validator(headers), response, proxy)


def _length(text: str, url: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"\d{1,15}", text):
        raise told.protocol_error(url, f"a Content-Length of {text[:40]!r}")
    return int(text)


def _range(text: str, url: str, offset: int) -> tuple[int, int | None]:
    match = _CONTENT_RANGE.fullmatch(text.strip())
    if not match or int(match[1]) != offset or not offset:
        why = f"asked for the bytes from {offset} on, it sends {text[:60]!r}"
        raise told.protocol_error(url, why, Kind.RANGE)
    return offset, None if match[3] == "*" else int(match[3])


def _validator(headers: Mapping[str, str]) -> str:
    etag = headers.get("etag", "")
    if etag.startswith('"'):  # a weak one (W/) does not promise the same bytes: RFC 9110, 13.1.5
        return etag
    return headers.get("last-modified", "")
