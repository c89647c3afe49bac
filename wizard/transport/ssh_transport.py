"""paramiko's transport without its pause of a tenth of a second, and its endless wait, before each log-in.

Imported at first use only: it loads paramiko.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from paramiko import Message, SSHException
from paramiko.auth_handler import AuthOnlyHandler
from paramiko.common import cMSG_SERVICE_REQUEST
from paramiko.transport import ServiceRequestingTransport

LOOK_SECONDS = 0.1
"""How late a link is noticed that breaks while the host has not answered: paramiko has no event for it."""


class PromptAuthHandler(AuthOnlyHandler):
    """Hears every answer to a log-in, however soon it comes.

    paramiko 5.1 makes the event that an answer sets after it has sent the request: an answer that is there by then is
    lost, and the log-in that the host accepted is waited for until `auth_timeout` and then told as refused.
    """

    def __init__(self, transport: ServiceRequestingTransport) -> None:
        self._answered = threading.Event()
        super().__init__(transport)

    @property
    def auth_event(self) -> threading.Event:
        """The one event of this handler, whatever else paramiko would put in its place."""
        return self._answered

    @auth_event.setter
    def auth_event(self, event: threading.Event | None) -> None:
        """Keep ours: a fresh one would know nothing of an answer that has come."""

    def send_auth_request(
        self, username: str, method: str, finish_message: Callable[[Message], None] | None = None
    ) -> list[str]:
        """As paramiko's, with the last answer forgotten before anything is sent."""
        self._answered.clear()
        return super().send_auth_request(username, method, finish_message)


class PromptTransport(ServiceRequestingTransport):
    """Goes on as soon as the host says that it takes log-ins, and gives up where the link is gone.

    paramiko 5.1 sleeps 0.1 s between two looks, and looks for ever when the link breaks meanwhile.
    """

    _service_userauth_accepted: bool
    auth_timeout: float

    def __init__(self, sock: Any) -> None:  # noqa: ANN401 - socket or channel
        self._accepted = threading.Event()
        self._negotiated: threading.Event | None = None
        super().__init__(sock)

    def begin(self) -> None:
        """Exchange keys with the host, in paramiko's own thread; `start_client` waits for what came of it."""
        self._negotiated = threading.Event()
        super().start_client(self._negotiated)

    def start_client(self, event: threading.Event | None = None, timeout: float | None = None) -> None:
        """As paramiko's; what was begun is not begun again.

        Args:
            event: none; for those who do not wait there is `begin`.
            timeout: seconds until it is given up, counted from now.

        Raises:
            SSHException: the host and we do not come together, or the link broke.
        """
        if self._negotiated is None:
            super().start_client(event, timeout)
            return
        until = None if timeout is None else time.monotonic() + timeout
        while not self._negotiated.wait(LOOK_SECONDS) and (until is None or time.monotonic() < until):
            if not self.is_active():
                break
        if not self.is_active():
            raise self.get_exception() or SSHException("Negotiation failed.")

    def _parse_service_accept(self, m: Message) -> None:
        super()._parse_service_accept(m)  # type: ignore[misc]  # not in the stubs
        if self._service_userauth_accepted:
            self._accepted.set()

    def get_auth_handler(self) -> PromptAuthHandler:
        """The one that loses no answer."""
        return PromptAuthHandler(self)

    def ensure_session(self) -> None:
        """Ask the host to take log-ins, once.

        Raises:
            SSHException: the link is gone, or the host does not answer within `auth_timeout` seconds.
        """
        if not self.is_active() or not self.initial_kex_done:
            raise SSHException("No existing session")
        if self._service_userauth_accepted:
            return
        request = Message()
        request.add_byte(cMSG_SERVICE_REQUEST)
        request.add_string("ssh-userauth")
        self._send_message(request)  # type: ignore[attr-defined]  # not in the stubs
        self._wait_until_accepted(time.monotonic() + self.auth_timeout)
        self.auth_handler = self.get_auth_handler()

    def _wait_until_accepted(self, deadline: float) -> None:
        while not self._accepted.wait(LOOK_SECONDS):
            if not self.is_active():
                raise self.get_exception() or SSHException("The connection was closed before the log-in.")
            if time.monotonic() >= deadline:
                raise SSHException("The host does not answer the request to log in.")
