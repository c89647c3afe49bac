"""How the administrator's kubeconfig comes to us: read from a server by SSH, kept among our secrets, fetched anew."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import field
from datetime import UTC, datetime

from steps.parse.kube_admin import parse_kube_admin
from wizard.core.dataclass import dataclass
from wizard.core.errors import HostError, RemoteError
from wizard.core.host import Hosts
from wizard.core.kubeconfig import KUBECONFIG, Admin, KubeconfigError, read_admin
from wizard.core.kubernetes import no_cluster
from wizard.core.secret import Secret
from wizard.core.secrets import SecretKeeper
from wizard.core.spec.model import MachineSpec
from wizard.payload.certificates import read_certificate

NAME = "k3s/admin"
"""Of the secret: the kubeconfig as it lay on a server."""

READ = "read/k3s-admin"

LAST_DAYS = 2
"""With fewer days left a certificate is fetched anew; K3s renews its own months before (domain.md 1.2)."""


@dataclass(slots=True)
class KeptAdmin:
    """The administrator's certificate for one session: what is kept, or what a server gives.

    Args:
        hosts: of the cluster.
        secrets: of the cluster.
        keep: what was fetched is kept for later sessions; without it nothing is written.
        say: told when the cluster has another authority than the one we knew.
    """

    hosts: Hosts
    secrets: SecretKeeper
    keep: bool
    say: Callable[[str], None]
    servers: tuple[str, ...] = ()
    """Names, in the order they are asked."""
    _known: Admin | None = None
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def know(self, machines: Iterable[MachineSpec]) -> None:
        """As `Api.know`."""
        self.servers = tuple(machine.name for machine in machines if machine.role == "server")

    def current(self) -> Admin:
        """The one that is kept, or fetched from a server where there is none or it ends.

        Raises:
            ApiAbsentError: no server has one.
            HostError: no server can be asked.
        """
        with self._guard:
            if self._known is None:
                kept = self._kept()
                self._known = kept if kept and _lasts(kept) else self._fetched(kept)
            return self._known

    def renewed(self) -> Admin:
        """One fetched from a server just now.

        Raises:
            ApiAbsentError: no server has one.
            HostError: no server can be asked.
        """
        with self._guard:
            self._known = self._fetched(self._known or self._kept())
            return self._known

    def _kept(self) -> Admin | None:
        kept = self.secrets.get(NAME)
        try:
            return read_admin(kept.reveal()) if kept else None
        except KubeconfigError:
            return None

    def _fetched(self, before: Admin | None) -> Admin:
        text, admin = self._read()
        if before is not None and before.fingerprint != admin.fingerprint:
            self.say(
                f"The cluster has another certificate authority than the one we knew ({before.fingerprint} then, "
                f"{admin.fingerprint} now): K3s was set up anew. `wizard kubeconfig` brings yours up to date."
            )
        if self.keep:
            self.secrets.put({NAME: text})
        return admin

    def _read(self) -> tuple[Secret, Admin]:
        """Ask one server after the other; the first that has one is believed, by its host key."""
        away: HostError | RemoteError | None = None
        without: list[str] = []
        for server in self.servers:
            try:
                text = parse_kube_admin(self.hosts[server].read(READ).stdout)
                if text is not None:
                    return Secret(text), read_admin(text)
                without.append(f"{server} has none")
            except KubeconfigError as error:
                without.append(f"{server}: {error}")
            except (HostError, RemoteError) as error:
                away = away or error
        if away is not None:
            raise away
        said = "; ".join(without) or "no server is in the spec"
        raise no_cluster(
            f"{KUBECONFIG} on {', '.join(self.servers) or 'the servers'}",
            f"K3s writes it when its API comes up: {said}.",
        )


def _lasts(admin: Admin) -> bool:
    shown = read_certificate(admin.certificate)
    return shown is not None and shown.days_left(datetime.now(UTC)) >= LAST_DAYS
