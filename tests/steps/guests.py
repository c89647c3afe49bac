"""A hypervisor's answer about its guests, written line by line, and a context in which it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.facts.build import facts, pi_facts, spec
from wizard.core.artifact import Artifact, Need
from wizard.core.context import Context, FactsCache
from wizard.core.decide.wire import DhcpProbe, VrrpProbe, Wire
from wizard.core.decide.wire_kept import measurements_of
from wizard.core.errors import HostError, RemoteError
from wizard.core.facts import GIB, Disk, Guest, HostFacts, Libvirt, Nic
from wizard.core.host import Args, Operation, OpStatus, Reader, ScriptResult
from wizard.core.measurements import MemoryMeasurements
from wizard.core.spec.model import ClusterSpec, HostSpec, MachineSpec
from wizard.core.state import RunState
from wizard.payload.domain_xml import domain_xml
from wizard.payload.domain_xml_lxc import container_xml
from wizard.payload.guests import GuestPlan

LINEAGE = "6f1d2c1e-0000-4000-8000-00000000aaaa"
STRANGER = "99999999-0000-4000-8000-00000000ffff"
STATE = RunState("home", LINEAGE, serial=1)

ETCD_A = MachineSpec("etcd-a", "tower-a", "etcd", "10.0.0.31", 2, 2 * GIB, 20 * GIB, 8 * GIB)
ETCD_B = MachineSpec("etcd-b", "tower-b", "etcd", "10.0.0.32", 2, 2 * GIB, 20 * GIB, 8 * GIB)
WORKER_A = MachineSpec("worker-a", "tower-a", "worker", "10.0.0.61", 4, 8 * GIB, 40 * GIB)
MACHINES = (ETCD_A, ETCD_B)


def xml_of(plan: GuestPlan) -> str:
    """The definition libvirt would print of a guest: its own unit of memory, quotes as they are."""
    made = container_xml(plan) if plan.driver == "lxc" else domain_xml(plan)
    return made.decode().replace(
        f'<memory unit="b">{plan.memory}<', f"<memory unit='KiB'>{plan.memory // 1024}<"
    )


@dataclass(slots=True)
class Said:
    """What `read/guests` prints on one hypervisor."""

    domains: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name to state as `domstate --reason` prints it, and definition."""
    autostart: set[str] = field(default_factory=set)
    folders: dict[str, list[str]] = field(default_factory=dict)
    consoles: dict[str, str] = field(default_factory=dict)
    host: dict[str, object] = field(
        default_factory=lambda: {"dir": 1, "size_kib": 10**9, "free_kib": 5 * 10**8, "mount": "/"}
    )
    neighbours: list[str] = field(default_factory=list)
    code: int = 0

    def has(
        self,
        plan: GuestPlan,
        *,
        state: str = "running (booted)",
        booted: bool = True,
        autostart: bool = True,
        owner: str = LINEAGE,
    ) -> Said:
        """Add a guest with its folder."""
        self.domains[plan.name] = (state, xml_of(plan))
        if autostart:
            self.autostart.add(plan.name)
        files = [f"file=system.qcow2 {GIB} {GIB}", f"file=data.raw {8 * GIB} {2 * GIB}"]
        self.folders[plan.name] = [f"lineage={owner}", *(["booted=1"] if booted else []), *files]
        return self

    @property
    def text(self) -> str:
        """As the script prints it."""
        lines = ["== host", *(f"|{key}={value}" for key, value in self.host.items()), "== domains"]
        lines += [*(f"|{name}" for name in self.domains), f"|:exit {self.code}"]
        lines += ["== autostart", *(f"|{name}" for name in sorted(self.autostart))]
        for name, (state, xml) in self.domains.items():
            lines += [f"== guest {name}", f"|{state}", *(f"|{line}" for line in xml.splitlines())]
        for name, console in self.consoles.items():
            lines += [f"== console {name}", *(f"|{line}" for line in console.split("\n"))]
        for name, found in self.folders.items():
            lines += [f"== folder {name}", *(f"|{line}" for line in found)]
        return "\n".join([*lines, "== neighbours", *(f"|{line}" for line in self.neighbours), "== end", ""])


@dataclass(frozen=True, slots=True)
class Teller:
    """A hypervisor that tells of its guests and of a quiet wire, and answers nothing else."""

    name: str
    address: str
    said: Said

    def read(self, script: str, args: Args | None = None, *, timeout: float = 30.0) -> ScriptResult:
        if script == "read/wire":
            return ScriptResult(0, quiet_wire((args or {})["addresses"].split()), "", timeout / 1000)
        assert script == "read/guests", f"{script} on {self.name}"
        return ScriptResult(0, self.said.text, "", timeout / 1000)

    def operation(self, op: str) -> Operation:
        return Operation(op, OpStatus.ABSENT)


def quiet_wire(addresses: Sequence[str]) -> str:
    """What read/wire says where only the router answers, by the first address that is asked for."""
    lines = ["== wire", "|nic=1", "== arp", "|tool=arping (iputils)"]
    lines += [f"|answer={addresses[0]} 74:83:c2:00:00:01"] if addresses[0].endswith(".1") else []
    return "\n".join([*lines, f"|asked={len(addresses)}", "== end", ""])


def quiet() -> MemoryMeasurements:
    """What was measured on that wire: nobody offers anything, nobody speaks VRRP."""
    memory = MemoryMeasurements()
    dhcp, vrrp = DhcpProbe("tower-a", 1.0, "dhcpcd"), VrrpProbe("tower-a", 1.0, "tcpdump")
    memory.keep(list(measurements_of(Wire((), (dhcp,), (vrrp,)))))
    return memory


class Catalog:
    """Artifacts that are only named."""

    def named(self, name: str, arch: str, version: str = "") -> Artifact:
        return Artifact(name, version or "13-1", arch, f"{name}.qcow2", "publisher")

    def obtain(self, name: str, arch: str, version: str = "", **_: object) -> Any:  # noqa: ANN401
        raise AssertionError(f"{name} {version} {arch} is fetched by changes only")

    def lacking(self, needs: Sequence[Need]) -> None:
        """Everything can be had."""


def wanted(
    machines: tuple[MachineSpec, ...] = MACHINES, hosts: Mapping[str, dict[str, Any]] | None = None
) -> ClusterSpec:
    """The usual spec with machines; tower-b is a plain libvirt host unless a test says otherwise."""
    base = spec()
    plain = (*base.hosts[:1], replace(base.hosts[1], platform="libvirt"), *base.hosts[2:])
    changed = tuple(_changed(host, (hosts or {}).get(host.name, {})) for host in plain)
    return replace(base, hosts=changed, machines=machines)


def _changed(host: HostSpec, changes: dict[str, Any]) -> HostSpec:
    return replace(host, **{"vm_dir": "/srv/vm", **changes}) if host.role == "hypervisor" else host


def _own(nic: Nic, name: str) -> Nic:
    """Of tower-b, which is another machine than tower-a."""
    if name != "tower-b":
        return nic
    mac = nic.mac.replace("52:54:00:00:00:01", "52:54:00:00:00:02")
    return replace(nic, mac=mac, addresses=tuple(one.replace(".11/", ".12/") for one in nic.addresses))


def tower(name: str, said: Said, **changes: Any) -> HostFacts:  # noqa: ANN401 - fields of many types
    """A hypervisor whose libvirt has the guests it tells of."""
    guests = tuple(
        Guest(
            each,
            state.split(" (")[0],
            each in said.autostart,
            "lxc" if 'type="lxc"' in xml else "qemu",
            STRANGER if STRANGER in xml else LINEAGE if LINEAGE in xml else "",
        )
        for each, (state, xml) in said.domains.items()
    )
    libvirt = Libvirt(True, True, True, True, "11.3.0", ("qemu",), guests)
    given = {"hostname": name, "machine_id": name.ljust(32, "0"), "libvirt": libvirt}
    given["nics"] = tuple(_own(nic, name) for nic in facts().nics)
    given |= changes
    return facts(host=name, **given)


def guest_facts(plan: GuestPlan, **changes: Any) -> HostFacts:  # noqa: ANN401 - fields of many types
    """A healthy guest."""
    disk = Disk(
        "vdb", serial=plan.serial, size=8 * GIB, fstype="ext4", uuid=plan.data_uuid, mounts=(plan.mount,)
    )
    given = {
        "hostname": plan.name,
        "machine_id": plan.uuid.replace("-", ""),
        "disks": (Disk("vda"), disk),
        "nics": (Nic("ens2", "ethernet", plan.mac, (f"{plan.address}/24",)),),
        **changes,
    }
    return facts(host=plan.name, **given)


def context(
    said: Mapping[str, Said],
    *,
    machines: tuple[MachineSpec, ...] = MACHINES,
    hosts: Mapping[str, dict[str, Any]] | None = None,
    known: Mapping[str, HostFacts | HostError | RemoteError] | None = None,
    state: RunState = STATE,
) -> Context:
    """A pass in which each hypervisor tells what it is given to tell.

    Args:
        said: by host; a hypervisor without has no guests.
        machines: of the spec.
        hosts: fields of the spec's hypervisors to change.
        known: facts (or errors) by host or guest, where they are not the usual ones.
        state: what is remembered.
    """
    told = {name: said.get(name, Said()) for name in ("tower-a", "tower-b")}
    answers: dict[str, HostFacts | HostError | RemoteError] = {
        name: tower(name, one) for name, one in told.items()
    }
    answers |= {"pi": pi_facts(), **(known or {})}
    whole = wanted(machines, hosts)
    readers = {
        host.name: Teller(host.name, host.address, told.get(host.name, Said())) for host in whole.hosts
    } | {one.name: Teller(one.name, one.address, Said()) for one in machines}

    def read(reader: Reader) -> HostFacts:
        found = answers[reader.name]
        if isinstance(found, HostFacts):
            return found
        raise found

    return Context(
        whole, readers, state, FactsCache(readers, read), artifacts=Catalog(), measurements=quiet()
    )
