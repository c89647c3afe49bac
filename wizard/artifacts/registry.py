"""The registry protocol's way of asking: a bearer token is fetched when the registry wants one, and shown to it alone."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlencode, urlsplit

from wizard.artifacts.oci import ACCEPTED
from wizard.transport.http import HttpClient, HttpError, Reply, told

TOKEN_LIMIT = 64 * 1024
"""Bytes of an answer with a token; Docker Hub's has some 5 kB."""

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_PATH = re.compile(r"/v2/(?P<repository>.+)/(?:manifests|blobs)/[^/]+")


class RegistryClient:
    """Asks registries for public images, without any account.

    A registry that answers 401 names the server that hands out tokens (distribution specification, token
    authentication). The token goes to that registry only: where a layer is elsewhere, the redirect is followed
    without it. An old token is replaced when it is refused.

    Args:
        client: asks.
    """

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._tokens: dict[tuple[str, str], str] = {}
        self._guard = threading.Lock()

    @contextmanager
    def get(self, url: str, *, offset: int = 0, validator: str = "") -> Iterator[Reply]:
        """Ask for a manifest or a blob, or for the rest of it; as `HttpClient.get`.

        Raises:
            HttpError: it cannot be had, or the registry wants an account.
        """
        with ExitStack() as stack:
            try:
                reply = stack.enter_context(self._asked(url, offset, validator))
            except HttpError as error:
                if not error.challenge:
                    raise
                self._renew(url, error.challenge)
                reply = stack.enter_context(self._asked(url, offset, validator))
            yield reply

    @contextmanager
    def _asked(self, url: str, offset: int, validator: str) -> Iterator[Reply]:
        headers = {"Accept": ACCEPTED} if "/manifests/" in url else {}
        with self._guard:
            token = self._tokens.get(_scope(url))
        if token:
            headers["Authorization"] = f"Bearer {token}"
        with self._client.get(url, offset=offset, validator=validator, headers=headers) as reply:
            yield reply

    def _renew(self, url: str, challenge: str) -> None:
        scheme, _, rest = challenge.partition(" ")
        words = dict(_PARAMETER.findall(rest))
        if scheme.lower() != "bearer" or urlsplit(words.get("realm", "")).scheme != "https":
            raise told.protocol_error(url, f"it wants a login that is not known here: {challenge[:200]}")
        repository = _scope(url)[1]
        asked = {
            "service": words.get("service", ""),
            "scope": words.get("scope") or f"repository:{repository}:pull",
        }
        realm = words["realm"]
        address = f"{realm}{'&' if '?' in realm else '?'}{urlencode(asked)}"
        with self._guard:
            self._tokens[_scope(url)] = self._token(address)

    def _token(self, address: str) -> str:
        body = bytearray()
        with self._client.get(address) as reply:
            for chunk in reply.chunks():
                body += chunk
                if len(body) > TOKEN_LIMIT:
                    raise told.too_large(address, TOKEN_LIMIT)
        try:
            answer = json.loads(body)
            token = answer.get("token") or answer["access_token"]
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise told.protocol_error(address, "its answer holds no token") from error
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise told.protocol_error(address, "its token is none")
        return token


def _scope(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    found = _PATH.fullmatch(parts.path)
    return parts.netloc, found["repository"] if found else ""
