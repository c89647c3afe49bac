"""Up, down and status: idempotent, and a run after a killed run clears what that one left."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from wizard.core.dataclass import dataclass
from wizard.lab import artifacts, containers, daemon, faults, images, keys, limits, machine, network, release
from wizard.lab.docker import LABEL, docker, names, states, try_docker
from wizard.lab.hosts import HOSTS, LabHost
from wizard.lab.images import Say
from wizard.lab.store import FILE, Store


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One host as it stands."""

    name: str
    address: str
    state: str
    """`running`, `paused`, `exited` ... as Docker says, `absent` where there is no container."""
    ssh: bool
    """Whether its sshd greets."""
    fingerprint: str
    """Of the host key it was given when it was made."""
    user: str
    platform: str
    faults: tuple[str, ...]


def up(store: Store, say: Say, *, kubernetes: bool = False, fetch: release.Fetch | None = None) -> None:
    """Bring the lab up; what is up already is left alone, but faults are taken back.

    Args:
        store: of the lab.
        say: tells a person what is being waited for.
        kubernetes: whether its guests are to become a cluster, so that K3s is needed.
        fetch: downloads K3s's release; None = it is built where it does not lie here.

    Raises:
        LabError: it cannot be brought up.
    """
    began = time.monotonic()
    store.kubernetes = kubernetes
    store.save()
    published = release.choose(store.release, say, fetch) if kubernetes else ()
    # What cannot be built here is said before minutes are spent on the hosts.
    artifacts.cluster_recipes(kubernetes, apps=False, published=bool(published))
    if daemon.ensure(store):
        say(f"docker: started dockerd (pid {store.daemon_pid}); `wizard lab down` stops it")
    limits.make_room(store, say)
    images.ensure(say)
    build(store, say, kubernetes=kubernetes, published=published)
    faults.settle(store, say)
    _network(store, say)
    allowed = machine.detect(store, images.tag("pi"), images.tag("hypervisor"))
    say(f"machine: {allowed.line}")
    keys.write_known_hosts(store, {host.name: containers.address(store, host) for host in HOSTS})
    # Made before the hosts are, side by side: each would make one of its own.
    keys.key_pair(store, keys.USER_KEY)
    with ThreadPoolExecutor(len(HOSTS)) as pool:
        list(pool.map(lambda host: _host_up(store, host, allowed, say), HOSTS))
    network.confirm(store.subnet, store.id)
    say(f"lab: up after {time.monotonic() - began:.0f} s; next: wizard lab spec > cluster.yaml")


def build(
    store: Store,
    say: Say,
    *,
    vm: bool = False,
    kubernetes: bool = False,
    apps: bool = False,
    published: tuple[release.Published, ...] = (),
) -> None:
    """Build the artifacts that the lab's spec names, where they are not there.

    Args:
        store: remembers their folder.
        say: tells a person what is being waited for.
        vm: the virtual machine's image too.
        kubernetes: K3s and the images it starts with too.
        apps: the images of what runs on it too.
        published: K3s's release, in place of what would be built.

    Raises:
        LabError: one could not be built.
    """
    folder = artifacts.ensure(say, vm=vm, kubernetes=kubernetes, apps=apps, published=published)
    store.artifacts = str(folder)
    store.save()


def _network(store: Store, say: Say) -> None:
    name = network.network_name(store.id)
    if name in names("network", store.id):
        return
    for left in names("container", store.id):
        docker("rm", "-f", "-v", left)
    kept, store.subnet = store.subnet, network.choose(store.subnet, store.id)
    store.save()
    docker(
        "network", "create", "--driver", "bridge", "--subnet", store.subnet, "--label", f"{LABEL}={store.id}",
        "--opt", f"com.docker.network.bridge.name={network.bridge(store.id)}", name,
    )  # fmt: skip
    if kept and kept != store.subnet:
        say(f"network: {kept} is in use elsewhere now; the addresses are new ones: print the spec again")
    say(f"network: {store.subnet} on bridge {network.bridge(store.id)}, routed nowhere else")


def _host_up(store: Store, host: LabHost, allowed: machine.Allowed, say: Say) -> None:
    name = containers.container(store, host.name)
    state = states(store.id).get(name, "absent")
    if state in {"created", "dead", "removing"}:
        docker("rm", "-f", name)
        state = "absent"
    if state == "absent":
        containers.create(store, host, allowed)
    containers.start(store, host)
    containers.wait_ready(store, host)
    say(f"{host.name}: {containers.address(store, host)} answers SSH ({host.note})")


def down(store: Store, say: Say, *, purge: bool = False) -> None:
    """Take the lab away: hosts, volumes, network, and the daemon where we started it.

    Args:
        store: of the lab.
        say: tells a person what is gone.
        purge: images, caches, keys and the lab's own file too.
    """
    store.save()
    started = daemon.ensure(store) if not daemon.answers() else False
    for name in names("container", store.id):
        docker("rm", "-f", "-v", name)
        say(f"{name}: removed")
    for name in names("volume", store.id):
        try_docker("volume", "rm", "-f", name)
    for name in names("network", store.id):
        docker("network", "rm", name)
    limits.settle(store)
    store.faults = {}
    if purge:
        store.artifacts = store.release = ""
    store.save()
    if purge:
        for gone in (*images.remove(), *artifacts.remove()):
            say(f"{gone}: removed")
    if daemon.stop(store):
        say("docker: stopped the dockerd that " + ("this command" if started else "`lab up`") + " started")
    if purge:
        _forget(store)
    say("lab: down")


def _forget(store: Store) -> None:
    ours = [FILE, "dockerd.log", keys.KNOWN_HOSTS, keys.USER_KEY, *(f"host_{host.name}" for host in HOSTS)]
    for name in ours:
        store.path(name).unlink(missing_ok=True)
        store.path(f"{name}.pub").unlink(missing_ok=True)


def status(store: Store) -> list[HostStatus]:
    """Every host as it stands; with no daemon or no lab, all are absent."""
    known = states(store.id) if store.subnet and daemon.answers() else {}
    return [_status(store, host, known) for host in HOSTS]


def _status(store: Store, host: LabHost, known: dict[str, str]) -> HostStatus:
    state = known.get(containers.container(store, host.name), "absent")
    made = state != "absent"
    where = containers.address(store, host) if store.subnet else ""
    return HostStatus(
        host.name,
        where,
        state,
        ssh=state == "running" and containers.greets(where),
        fingerprint=keys.host_key(store, host.name).fingerprint if made else "",
        user=host.user,
        platform=host.platform,
        faults=tuple(store.faults.get(host.name, [])),
    )
