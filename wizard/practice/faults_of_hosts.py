"""Faults of hosts, links and logins."""

from __future__ import annotations

from wizard.core.errors import AuthError, HostKeyChangedError, PrivilegeError, UnreachableError, WizardError
from wizard.practice.fault_list import fault
from wizard.practice.faults import link_lost, unreachable
from wizard.practice.first_contact import passphrase, shown_key, sudo_password, trust
from wizard.practice.machine import Machine
from wizard.practice.scene import Scene

SLOW_LINK = 10e6 / 8
"""Bytes a second of 10 Mbit/s."""

DELAY = 0.4
"""Seconds, as the lab's fault of the same name."""


def lose_power(scene: Scene, host: Machine) -> None:
    """Cut the power of a host for the rest of the run; when it comes back, what starts by itself has started.

    Raises:
        UnreachableError: always: that is what who asked it meets.
    """
    with scene.world.guard:
        scene.world.restart(host.name)
        scene.keep()
        scene.faults.dead.add(host.name)
    raise unreachable(host.name)


@fault("host-killed")
def host_killed(scene: Scene) -> None:
    """While its second guest is made; one whose guests are made has no power at all."""
    if scene.guest.disks[0]:
        scene.faults.dead.add(scene.tower.name)
    scene.at("do/guest-create", lambda: lose_power(scene, scene.tower), host=scene.tower, number=2)


@fault("host-stopped")
def host_stopped(scene: Scene) -> None:
    """It answers nothing from the start."""
    scene.faults.dead.add(scene.tower.name)


@fault("host-restarts")
def host_restarts(scene: Scene) -> None:
    """It is back before the wizard has tried three times; what was begun is forgotten there."""

    def restart() -> None:
        with scene.world.guard:
            scene.world.restart(scene.tower.name)
            scene.keep()
        raise link_lost(scene.tower.name)

    scene.at("after do/guest-create", restart, host=scene.tower, number=2)


@fault("host-paused")
def host_paused(scene: Scene) -> None:
    """Connections open; nothing comes back within the deadline."""
    scene.faults.dead.add(scene.tower.name)
    why = "It takes the connection and says nothing (practice: the host is frozen)."
    scene.faults.why[scene.tower.name] = why


@fault("witness-killed")
def witness_killed(scene: Scene) -> None:
    """Just before its etcd is started; a homelab that is whole has it dead from the start."""
    if scene.witness.etcd.wanted:
        scene.faults.dead.add(scene.witness.name)
    scene.at("do/etcd-start", lambda: lose_power(scene, scene.witness), host=scene.witness)


# --- links


@fault("link-cut")
def link_cut(scene: Scene) -> None:
    """Its guests are on the same cable."""
    scene.faults.dead.add(scene.tower.name)
    scene.faults.why[scene.tower.name] = "No route to host (practice: its cable is out)."


@fault("link-drops-before")
def link_drops_before(scene: Scene) -> None:
    """The wizard comes back by itself and does it."""
    scene.faults.cut_before += ["do/marker", "do/guest-create", "do/etcd-configure"]


@fault("link-drops-after")
def link_drops_after(scene: Scene) -> None:
    """The wizard comes back by itself and finds it done."""
    scene.faults.cut_after += ["do/marker", "do/guest-create", "do/etcd-start"]


@fault("link-slow")
def link_slow(scene: Scene) -> None:
    """No obstacle: files take longer."""
    scene.faults.slow[scene.tower.name] = SLOW_LINK


@fault("link-delayed")
def link_delayed(scene: Scene) -> None:
    """No obstacle: everything on it takes longer."""
    scene.faults.delay[scene.witness.name] = DELAY


# --- logins


def _refuse(scene: Scene, host: Machine, error: WizardError) -> None:
    scene.faults.refused[host.name] = error


@fault("ssh-down")
def ssh_down(scene: Scene) -> None:
    """Its guests go on."""
    host = scene.tower
    error = UnreachableError(
        f"{host.name} does not answer.",
        where=f"{host.name} ({host.address})",
        why=f"Connection refused on port 22 of {host.address} (practice: its SSH server is off).",
        do="Start the SSH server on the host's own console: systemctl start ssh",
    )
    _refuse(scene, host, error)


@fault("host-key-changed")
def host_key_changed(scene: Scene) -> None:
    """As after a reinstall, or with somebody in between."""
    host, seed = scene.tower, scene.world.seed
    error = HostKeyChangedError(
        f"The host key of {host.name} has changed.",
        where=f"{host.name} ({host.address})",
        why=f"Confirmed: {shown_key(host.name, seed)} (ssh-ed25519). Offered now: "
        f"{shown_key(host.name, seed, other=True)}. Either the host was installed anew, or somebody stands in between. "
        "Nothing was sent (practice).",
        do=(
            "Compare with the fingerprint shown on the host's own screen: "
            "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
            f"if it is the same: ssh-keygen -R {host.address}",
        ),
    )
    _refuse(scene, host, error)


@fault("login-refused")
def login_refused(scene: Scene) -> None:
    """Its key was never laid down there."""
    host = scene.witness
    error = AuthError(
        f"{host.name} does not let us in.",
        where=f"{host.name} (root@{host.address})",
        why="It refuses the user and every key that was offered (practice).",
        do=f"ssh-copy-id root@{host.address}",
    )
    _refuse(scene, host, error)


@fault("sudo-missing")
def sudo_missing(scene: Scene) -> None:
    """It logs in and has no rights."""
    host = scene.witness
    error = PrivilegeError(
        f"The user on {host.name} does not become root.",
        where=f"{host.name} ({host.address})",
        why="sudo said: the user is not in the sudoers file (practice).",
        do="On the host, as root: usermod -aG sudo USER",
    )
    _refuse(scene, host, error)


@fault("host-key-unknown")
def host_key_unknown(scene: Scene) -> None:
    """As at the first contact with each host."""
    for host in scene.hosts:
        scene.faults.asks.setdefault(host.name, []).append(trust(host, scene.world.seed))


@fault("key-passphrase")
def key_passphrase(scene: Scene) -> None:
    """No agent has it."""
    for host in scene.hosts:
        scene.faults.asks.setdefault(host.name, []).append(passphrase(host))


@fault("sudo-password")
def sudo_needs_password(scene: Scene) -> None:
    """As for everybody who is not root there."""
    host = scene.witness
    scene.faults.asks.setdefault(host.name, []).append(sudo_password(host))


@fault("two-operators")
def two_operators(scene: Scene) -> None:
    """Their run holds the host until ours is over."""
    scene.traces.set(scene.tower, "locked", True)
    scene.traces.set(scene.tower, "lock_run", "theirs")
    scene.traces.set(scene.tower, "lock_holder", "bert@desk pid 4711")
    scene.traces.set(scene.tower, "lock_since", "2026-11-27 20:15:00 UTC")
