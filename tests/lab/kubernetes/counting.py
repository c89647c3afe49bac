"""A client at the API's address: it counts what was acknowledged, and how long it got no answer."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from dataclasses import dataclass, field

from wizard.core.kubeconfig import Admin
from wizard.core.kubernetes import API_PORT
from wizard.transport.kube_tls import client_context

PATH = "/api/v1/namespaces/default/configmaps/counter"

EVERY = 0.25
"""Seconds from one write to the next."""

PATIENCE = 2.0
"""Seconds after which an answer is not waited for any longer."""


@dataclass(slots=True)
class Client:
    """Asks as `kubectl` does: over a connection of its own each time."""

    address: str
    admin: Admin

    def ask(self, method: str, path: str, body: object = None, *, kind: str = "application/json") -> bytes:
        """What the API answers.

        Raises:
            OSError: nobody answers in time.
            http.client.HTTPException: what answers is no API, or it refuses.
        """
        context = client_context(self.admin)
        line = http.client.HTTPSConnection(self.address, API_PORT, timeout=PATIENCE, context=context)
        try:
            sent = None if body is None else json.dumps(body)
            line.request(method, path, sent, {"Content-Type": kind})
            answer = line.getresponse()
            content = answer.read()
        finally:
            line.close()
        if answer.status not in (200, 201):
            raise http.client.HTTPException(f"{answer.status} {answer.reason}")
        return content


@dataclass(slots=True)
class Writer:
    """Writes one number after the other into a ConfigMap, for as long as it is left to."""

    client: Client
    acknowledged: list[tuple[int, float]] = field(default_factory=list)
    """Each number that the API said is kept, and when."""
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        """Make the ConfigMap, and write from now on."""
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "counter"}}
        self.client.ask("POST", PATH.rpartition("/")[0], made)
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Write no more."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _write(self) -> None:
        number = 0
        while not self._ended.is_set():
            number += 1
            began = time.monotonic()
            body = {"data": {f"n{number}": "kept"}}
            try:
                self.client.ask("PATCH", PATH, body, kind="application/merge-patch+json")
            except (OSError, http.client.HTTPException):
                pass
            else:
                self.acknowledged.append((number, time.monotonic()))
            self._ended.wait(max(0.0, EVERY - (time.monotonic() - began)))

    def since(self, moment: float) -> int:
        """How many writes were acknowledged after a moment of `time.monotonic`."""
        return sum(at > moment for _, at in self.acknowledged[-400:])

    def gap(self, moment: float) -> float:
        """The longest time without an acknowledged write that ended after a moment, in seconds."""
        times = [at for _, at in self.acknowledged]
        pairs = itertools.pairwise(times)
        return max((later - sooner for sooner, later in pairs if later > moment), default=0.0)

    def lost(self) -> set[int]:
        """Numbers that were acknowledged and are not there."""
        kept = json.loads(self.client.ask("GET", PATH)).get("data", {})
        return {number for number, _ in self.acknowledged if f"n{number}" not in kept}
