"""What read/k3s prints on a simulated host."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.core.host import Args
from wizard.payload import k3s_config as config
from wizard.payload.k3s_unit import BINARY, LOGIND, NAMES, RUNNING_CONFIG, SHUTDOWN, Role, unit_path
from wizard.practice.answer import Answer
from wizard.practice.etcd_read import world_of
from wizard.practice.guest_scripts import Sections, text_of
from wizard.practice.k3s_certificates import DATA
from wizard.practice.k3s_process import PASSWORD, api_up, process_runs, settle_k3s, version_of
from wizard.practice.keepalived_scripts import shared_address
from wizard.practice.machine import Machine

IMAGES = f"{DATA}/agent/images"

LISTED = (
    config.CONFIG,
    config.MARK,
    config.TOKEN,
    config.AGENT_TOKEN,
    config.AUTHORITY,
    config.CERTIFICATE,
    config.KEY,
    unit_path("server"),
    unit_path("agent"),
    SHUTDOWN,
    LOGIND,
)
SHOWN = (
    f"{DATA}/server/tls/server-ca.crt",
    f"{DATA}/server/tls/serving-kube-apiserver.crt",
    f"{DATA}/agent/server-ca.crt",
    f"{DATA}/agent/serving-kubelet.crt",
)


def k3s(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """read/k3s; of a server its part in the address of the API, too."""
    world = world_of(machine)
    settle_k3s(world)
    if machine.k3s.said and machine.k3s.wanted and not process_runs(machine):
        machine.k3s.restarts += 1
    role = role_of(machine)
    sections: Sections = [("programs", list(_programs(machine))), ("files", list(machine.listed(LISTED)))]
    if process_runs(machine):
        sections.append((f"file {RUNNING_CONFIG}", machine.k3s.config.splitlines()))
    sections += [
        (f"file {path}", machine.files[path].content.decode().splitlines())
        for path in SHOWN
        if path in machine.files
    ]
    if not machine.unraid:
        sections += [("unit", list(_unit(machine, role))), ("log", _log(machine))]
    if role == "server" and machine.k3s.ready:
        up = api_up(world, machine)
        sections.append(
            ("ready", ["ok" if up else "Error from server (InternalError): [-]etcd failed: reason withheld"])
        )
    sections.append(("node", list(_node(machine))))
    if args["address"]:
        sections += shared_address(machine, args)
    return Answer(text_of(sections))


def role_of(machine: Machine) -> Role:
    """Whose unit counts: the one that is enabled or runs, else the one that lies there."""
    if machine.k3s.role and (machine.k3s.enabled or machine.k3s.wanted):
        return "agent" if machine.k3s.role == "agent" else "server"
    return "agent" if unit_path("agent") in machine.files else "server"


def _programs(machine: Machine) -> Iterator[str]:
    for path in (BINARY, *sorted(one for one in machine.files if one.startswith(f"{IMAGES}/"))):
        if path in machine.files:
            yield f"{machine.files[path].digest} {path}"
    if BINARY in machine.files:
        yield f"version={version_of(machine)}"


def _state(machine: Machine) -> tuple[str, str]:
    unit = machine.k3s
    if not unit.wanted:
        return "inactive", "dead"
    if unit.ready:
        return "active", "running"
    return ("activating", "start") if process_runs(machine) else ("activating", "auto-restart")


def _unit(machine: Machine, role: Role) -> Iterator[str]:
    active, sub = _state(machine)
    path = unit_path(role)
    there = path in machine.files
    yield f"unit={NAMES[role]}"
    yield f"LoadState={'loaded' if there else 'not-found'}"
    yield f"ActiveState={active}"
    yield f"SubState={sub}"
    yield f"Result={'exit-code' if sub == 'auto-restart' else 'success'}"
    yield f"UnitFileState={'enabled' if machine.k3s.enabled else 'disabled' if there else ''}"
    yield f"NRestarts={machine.k3s.restarts}"
    yield f"FragmentPath={path if there else ''}"


def _log(machine: Machine) -> list[str]:
    unit = machine.k3s
    if not unit.wanted:
        return []
    kind = "agent " if unit.role == "agent" else ""
    if not unit.said:
        return [_line("info", f"k3s {kind}is up and running")]
    if not unit.said.startswith(("Error", "Waiting")):
        return [unit.said]
    if process_runs(machine):
        return [_line("info", f"Starting k3s {kind}{version_of(machine)}"), _line("info", unit.said)]
    name = NAMES[role_of(machine)]
    return [_line("fatal", unit.said), f"{name}: Main process exited, code=exited, status=1/FAILURE"]


def _line(level: str, text: str) -> str:
    quoted = text.replace('"', '\\"')
    return f'time="2026-11-22T22:00:00Z" level={level} msg="{quoted}"'


def _node(machine: Machine) -> Iterator[str]:
    mark = machine.files.get(config.MARK)
    if mark:
        found = dict(line.split("=", 1) for line in mark.content.decode().splitlines())
        yield from (f"lineage={found['lineage']}", f"name={found['node']}")
    if any(path.startswith(f"{DATA}/server/tls/") for path in machine.files):
        yield "server=1"
    if f"{DATA}/agent/serving-kubelet.crt" in machine.files:
        yield "joined=1"
    if PASSWORD in machine.files:
        yield "password=1"
