"""What the scripts that change K3s do on a simulated host."""

from __future__ import annotations

from wizard.core.host import Args
from wizard.payload.k3s_config import MARK
from wizard.payload.k3s_unit import BINARY, NAMES, Role, unit_path
from wizard.practice.answer import Answer
from wizard.practice.etcd_read import world_of
from wizard.practice.etcd_scripts import bundled
from wizard.practice.k3s_certificates import DATA
from wizard.practice.k3s_process import settle_k3s, version_of
from wizard.practice.k3s_read import IMAGES
from wizard.practice.k3s_state import K3sProcess
from wizard.practice.machine import File, Machine


def install(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/k3s-install."""
    images = f"{IMAGES}/{args['name']}"
    for source, digest, target, mode in (
        (args["images"], args["images_sha256"], images, 0o644),
        (args["program"], args["program_sha256"], BINARY, 0o755),
    ):
        why = _place(machine, source, digest, target, mode)
        if why:
            return Answer(f"{why}\n", 4)
    for path in [path for path in machine.files if path.startswith(f"{IMAGES}/k3s-airgap-images-")]:
        if path != images:
            del machine.files[path]
    found = version_of(machine)
    if found != args["version"]:
        return Answer(f"{BINARY} is K3s {found or 'that does not run here'}, not {args['version']}\n", 3)
    return Answer(f"k3s {found}\n")


def _place(machine: Machine, source: str, digest: str, target: str, mode: int) -> str:
    if _digest(machine.files.get(target)) == digest:
        machine.files.pop(source, None)
        return ""
    found = machine.files.get(source)
    if found is None:
        return f"there is no {source}"
    if _digest(found) != digest:
        return f"{source} is not what was sent: its digest is {_digest(found)}"
    machine.files[target] = File(found.content, mode)
    del machine.files[source]
    return ""


def _digest(file: File | None) -> str:
    return file.digest if file else ""


def configure(machine: Machine, args: Args, payload: bytes) -> Answer:
    """do/k3s-configure: nothing is put in place before everything is here and the node is ours or nobody's."""
    text = payload.decode()
    if not text.endswith("== end\n"):
        return Answer("the files did not arrive whole\n", 5)
    ours = f"lineage={args['lineage']}\n"
    mark = machine.files.get(MARK)
    if (mark is None or ours not in mark.content.decode()) and _occupied(machine):
        return Answer(f"K3s of another cluster was set up here: {DATA}\n", 4)
    if machine.is_full("/etc/x"):
        return Answer("sh: write error: No space left on device\n", 1)
    machine.files[MARK] = File(f"{ours}node={args['node']}\n".encode())
    said = ""
    for path, file in bundled(text):
        same = machine.files.get(path) == file
        machine.files[path] = file
        said += f"{'same' if same else 'wrote'} {path}\n"
    other: Role = "agent" if args["unit"] == NAMES["server"] else "server"
    if unit_path(other) in machine.files:
        del machine.files[unit_path(other)]
        if machine.k3s.role == other:
            machine.k3s = K3sProcess()
    return Answer(said)


def _occupied(machine: Machine) -> bool:
    return MARK in machine.files or any(
        path.startswith(f"{DATA}/server/tls/") or path == f"{DATA}/agent/serving-kubelet.crt"
        for path in machine.files
    )


def start(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/k3s-start: does not wait for it."""
    world = world_of(machine)
    settle_k3s(world)
    unit = machine.k3s
    unit.role = next(role for role, name in NAMES.items() if name == args["unit"])
    unit.enabled = True
    if args["action"] == "start" and unit.ready:
        return Answer("running\n")
    anew = args["action"] == "restart"
    if anew or not unit.wanted:
        unit.wanted, unit.ready, unit.config, unit.said = True, False, "", ""
    unit.restarts = 0
    settle_k3s(world)
    return Answer("restarted\n" if anew else "started\n")
