"""keepalived on a simulated host: what it tells of the address of the API, and what setting it up does."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.core.host import Args
from wizard.payload.keepalived import CONFIG, DROP_IN, READY
from wizard.practice.answer import Answer
from wizard.practice.etcd_scripts import bundled
from wizard.practice.guest_scripts import Sections, text_of
from wizard.practice.k3s_process import KUBECONFIG, api_up, settle_k3s
from wizard.practice.keepalived_process import parse_config, says_ready
from wizard.practice.machine import Machine
from wizard.practice.wire_scripts import mac_of, own_addresses
from wizard.practice.world import World

NIC = "eth0"
"""Of a guest."""

PACKAGE = "keepalived"


def keepalived(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """read/keepalived."""
    settle_k3s(_world(machine))
    return Answer(text_of([*shared_address(machine, args), ("end", [])]))


def shared_address(machine: Machine, args: Args) -> Sections:
    """Its files, its unit, the address, and how the API answers."""
    sections: Sections = [("keepalived files", list(machine.listed((READY, DROP_IN, CONFIG))))]
    if file := machine.files.get(CONFIG):
        sections.append((f"file {CONFIG}", file.content.decode().splitlines()))
    return [
        *sections,
        ("keepalived", list(_unit(machine))),
        ("address", list(_address(_world(machine), machine, args))),
    ]


def _unit(machine: Machine) -> Iterator[str]:
    unit = machine.keepalived
    there, runs = PACKAGE in machine.packages, unit.wanted and bool(unit.state)
    yield f"LoadState={'loaded' if there else 'not-found'}"
    yield f"ActiveState={'active' if runs else 'inactive'}"
    yield f"SubState={'running' if runs else 'dead'}"
    yield "Result=success"
    yield f"UnitFileState={('enabled' if unit.enabled else 'disabled') if there else ''}"
    yield "NRestarts=0"
    yield "NeedDaemonReload=no"
    if unit.state:
        yield f"state={unit.state}"
        yield f"said=(api) Entering {unit.state} STATE"


def _address(world: World, machine: Machine, args: Args) -> Iterator[str]:
    own, shared = args["own"], args["address"]
    if PACKAGE in machine.packages:
        yield "installed=1"
    nic = own_addresses(machine).get(own, NIC if machine.address == own else "")
    if nic:
        yield f"nic={nic}"
        yield f"mac={mac_of(machine, own)}"
    held = machine in world.holders(shared)
    if held:
        yield f"held={nic}"
    owner = next(iter(world.holders(shared)), None)
    # Of two that answer the kernel takes one; here it is always the one that does not belong there.
    at = (
        ""
        if held
        else next(iter(world.lan.strangers.get(shared, ())), mac_of(owner, owner.address) if owner else "")
    )
    if READY in machine.files:
        yield from _told("ready", machine, says_ready(machine, lambda one: api_up(world, one)), "127.0.0.1")
        met = owner is not None and (held or at == mac_of(owner, owner.address))
        answers = met and owner is not None and says_ready(owner, lambda one: api_up(world, one))
        yield from _told("answers", machine, answers, shared)
    if at:
        yield f"at={at}"


def _told(name: str, machine: Machine, yes: bool, at: str) -> Iterator[str]:
    yield f"{name}={'yes' if yes else 'no'}"
    if not yes and KUBECONFIG not in machine.files:
        yield f"{name}_said=K3s has made no certificates here yet"
    elif not yes:
        yield f"{name}_said=curl: (7) Failed to connect to {at} port 6443 after 0 ms: Could not connect to server"


def configure(machine: Machine, _args: Args, payload: bytes) -> Answer:
    """do/keepalived-configure: nothing is put in place before everything is here and keepalived takes it."""
    text = payload.decode()
    if PACKAGE not in machine.packages:
        return Answer("keepalived is not installed\n", 4)
    if not text.endswith("== end\n"):
        return Answer("the files did not arrive whole\n", 5)
    said, unit = "", machine.keepalived
    for path, file in bundled(text):
        if path == CONFIG and parse_config(file.content) is None:
            return Answer(f"{said}Unknown keyword\nkeepalived does not take its configuration\n", 3)
        if machine.files.get(path) != file:
            machine.files[path] = file
            said += f"wrote {path}\n"
    again = said or not unit.wanted
    unit.enabled = unit.wanted = True
    if again:
        unit.state, unit.robbed = "", False
    settle_k3s(_world(machine))
    return Answer(f"{said}{'started' if again else 'running'}\n")


def _world(machine: Machine) -> World:
    assert machine.world is not None
    return machine.world
