"""paramiko's transport without its pause of a tenth of a second, and its endless wait, before each log-in.

Imported at first use only: it loads paramiko.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from paramiko import Message, SSHException
from paramiko.common import cMSG_SERVICE_REQUEST
from paramiko.transport import ServiceRequestingTransport

LOOK_SECONDS = 0.1
"""How late a link is noticed that breaks while the host has not answered: paramiko has no event for it."""


class PromptTransport(ServiceRequestingTransport):
    """Goes on as soon as the host says that it takes log-ins, and gives up where the link is gone.

    paramiko 5.1 sleeps 0.1 s between two looks, and looks for ever when the link breaks meanwhile.
    """

    _service_userauth_accepted: bool
    auth_timeout: float

    def __init__(self, sock: Any) -> None:  # noqa: ANN401 - socket or channel
        self._accepted = threading.Event()
        super().__init__(sock)

    def _parse_service_accept(self, m: Message) -> None:
        super()._parse_service_accept(m)  # type: ignore[misc]  # not in the stubs
        if self._service_userauth_accepted:
            self._accepted.set()

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
