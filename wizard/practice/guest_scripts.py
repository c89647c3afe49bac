"""What the scripts about guests do on a simulated hypervisor, and on a simulated guest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import ParseError

from wizard.core.host import Args
from wizard.practice.answer import Answer
from wizard.practice.boot import LAID, ROOT_FOLDER, start, stop
from wizard.practice.definition import LINEAGE, as_libvirt_prints, read_definition
from wizard.practice.facts import seen
from wizard.practice.machine import Domain, File, Machine

FOREIGN, FAILED = 3, 4
"""Exit codes of every do/guest-*."""

Sections = list[tuple[str, list[str]]]


def text_of(sections: Sections) -> str:
    """Sections as scripts print them."""
    return "".join(f"== {name}\n" + "".join(f"|{line}\n" for line in lines) for name, lines in sections)


# --- reads


def guests(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """read/guests: the guests of one driver, and what lies in their folder."""
    driver = "lxc" if args["driver"] == "lxc" else "qemu"
    sections: Sections = [("host", list(_place(machine, args)))]
    if libvirt_answers(machine):
        known = {name: one for name, one in sorted(machine.domains.items()) if one.driver == driver}
        sections.append(("domains", [*known, ":exit 0"]))
        sections.append(("autostart", [name for name, one in known.items() if one.autostart]))
        for name in args["names"].split():
            if name in known:
                sections.append((f"guest {name}", _told(known[name])))
    else:
        refusal = f"error: Failed to connect socket to '/var/run/libvirt/{'libvirt' if driver else ''}-sock'"
        sections.append(("domains", ["error: failed to connect to the hypervisor", refusal, ":exit 1"]))
    sections += [
        (f"console {name}", list(lines))
        for name in args["names"].split()
        if (lines := _console(machine, name))
    ]
    sections += list(_folders(machine, args["dir"]))
    sections.append(("neighbours", list(_neighbours(machine))))
    return Answer(text_of([*sections, ("end", [])]))


def libvirt_answers(machine: Machine) -> bool:
    """Whether its libvirt is a live process, as its facts have it."""
    services = machine.sections.get("services", ())
    return any(line in services for line in ("process libvirtd", "process virtqemud"))


def _place(machine: Machine, args: Args) -> Iterator[str]:
    folder = args["dir"]
    there = machine.has_folder(folder)
    yield f"dir={int(there)}"
    mount, size, free = space_of(machine, folder)
    yield from (
        f"size_kib={size}",
        f"free_kib={0 if machine.is_full(f'{folder}/x') else free}",
        f"mount={mount}",
    )
    base = f"{folder}/wizard-base/{args['base']}"
    if base in machine.files:
        yield f"base={machine.files[base].size}"
    for path, file in machine.files.items():
        if path.startswith(f"{folder}/wizard-base/.{args['base']}.") and path.endswith(".part"):
            yield f"partial={file.size}"


def space_of(machine: Machine, path: str) -> tuple[str, int, int]:
    """Mount point, KiB and KiB free of the file system a path lies on.

    Args:
        machine: the host.
        path: on it.
    """
    best = ("/", 0, 0)
    for line in seen(machine).get("statfs", ()):
        block, blocks, _, free, _, _, mount = line.split(" ", 6)
        above = path == mount or path.startswith(f"{mount.rstrip('/')}/")
        if above and len(mount) >= len(best[0]):
            best = (mount, int(block) * int(blocks) // 1024, int(block) * int(free) // 1024)
    return best


def _told(domain: Domain) -> list[str]:
    return [f"{domain.state} ({domain.reason})", "", *domain.xml.splitlines(), ""]


def _console(machine: Machine, name: str) -> list[str]:
    domain = machine.domains.get(name)
    if domain is None or domain.state == "shut off" or domain.driver == "lxc":
        return []
    guest = machine.world.machines.get(name) if machine.world else None
    if guest is None or guest.booted:
        return ["[  OK  ] Reached target multi-user.target - Multi-User System.", "", f"{name} login: "]
    return [
        "[    2.417] random: crng init done",
        "[  *** ] A start job is running for Wait for Network (9s / no limit)",
    ]


def _folders(machine: Machine, folder: str) -> Iterator[tuple[str, list[str]]]:
    below = f"{folder}/"
    paths = [path for path in (*machine.files, *machine.folders) if path.startswith(below)]
    for name in sorted({path[len(below) :].split("/", 1)[0] for path in paths} - {"wizard-base"}):
        place = f"{below}{name}"
        if place in machine.files:
            continue
        lines = _owner_lines(machine, place) + (["booted=1"] if f"{place}/booted" in machine.files else [])
        for path, file in sorted(machine.files.items()):
            short = path.removeprefix(f"{place}/")
            if path.startswith(f"{place}/") and ("/" not in short or re.fullmatch("disks/[^/]+", short)):
                lines.append(f"file={short} {file.size} {4096 * -(-len(file.content) // 4096)}")
        yield f"folder {name}", lines


def _owner_lines(machine: Machine, place: str) -> list[str]:
    found = machine.files.get(f"{place}/owner")
    lines = found.content.decode().splitlines() if found else []
    return [line for line in lines if line.startswith("lineage=")]


def _neighbours(machine: Machine) -> Iterator[str]:
    for domain in machine.domains.values():
        guest = machine.world.machines.get(domain.name) if machine.world else None
        if guest is not None and guest.alive:
            yield f"{guest.address} 0x1 0x2 {read_definition(domain.xml).mac} * br0"


def guest_boot(machine: Machine, _args: Args, _payload: bytes) -> Answer:
    """read/guest-boot on a guest whose boot has ended: one that is still at it does not answer here."""
    carrier = machine.world.machines.get(machine.carrier) if machine.world else None
    drivers = (
        {one.driver for one in carrier.domains.values() if one.name == machine.name} if carrier else {"lxc"}
    )
    lines = [f"cloud_init={'none' if 'lxc' in drivers else 'done'}", "system=running"]
    return Answer(text_of([("boot", lines), ("end", [])]))


# --- changes


def folder(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/guest-folder."""
    path = f"{args['dir']}/wizard-base"
    if machine.is_full(f"{path}/x"):
        return Answer(f"mkdir: cannot create directory '{path}': No space left on device\n", 1)
    machine.folders.add(path)
    return Answer(f"folder {path}\n")


def create(machine: Machine, args: Args, payload: bytes) -> Answer:
    """do/guest-create: a virtual machine."""
    xml, seed = _split(args, payload)
    place = f"{args['dir']}/{args['name']}"
    data = int(args["data"]) > 0
    refused = _foreign_guest(machine, args) or _claim(machine, args, place)
    refused = refused or (_claim(machine, args, args["data_dir"]) if data else None)
    if refused or (refused := _full(machine, place)):
        return refused
    if args["base"] not in machine.files:
        return Answer(
            "qemu-img: Could not open backing file: No such file or directory\nqemu-img failed\n", FAILED
        )
    machine.files[f"{place}/seed.iso"] = File(seed, 0o600)
    _disk(machine, f"{place}/system.qcow2", 200_704)
    if data:
        _disk(machine, f"{args['data_dir']}/data.raw", int(args["data"]))
    return _define_and_start(machine, args, xml, "qemu")


def unpack(machine: Machine, args: Args, payload: bytes) -> Answer:
    """do/guest-unpack: a container."""
    xml, first = _split(args, payload)
    place = f"{args['dir']}/{args['name']}"
    refused = _foreign_guest(machine, args) or _claim(machine, args, place) or _full(machine, place)
    if refused:
        return refused
    if args["base"] not in machine.files:
        return Answer(f"cannot unpack {args['base']}\n", FAILED)
    machine.folders.add(args["base"].removesuffix(".tar.gz"))
    if f"{place}/{ROOT_FOLDER}" not in machine.files:
        _disk(machine, f"{place}/{ROOT_FOLDER}", 0)
        machine.files[f"{place}/{LAID}"] = File(first, 0o600)
    machine.files[f"{place}/disks/vda.size"] = File(f"{args['system']}\n".encode())
    if int(args["data"]) > 0:
        machine.files[f"{place}/disks/vdb.serial"] = File(f"{args['serial']}\n".encode())
        _disk(machine, f"{place}/disks/vdb.img", int(args["data"]))
    return _define_and_start(machine, args, xml, "lxc")


def seal(machine: Machine, args: Args, payload: bytes) -> Answer:
    """do/guest-seal: the seed that stays holds no private key."""
    place = f"{args['dir']}/{args['name']}"
    if not _owned_folder(machine, args, place):
        return Answer(f"{place} is not ours\n", FOREIGN)
    if refused := _full(machine, place):
        return refused
    if payload:
        machine.files[f"{place}/seed.iso"] = File(payload, 0o600)
    machine.files[f"{place}/booted"] = File(b"")
    return Answer(f"sealed {args['name']}\n")


def start_guest(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/guest-start."""
    domain = _owned(machine, args)
    if domain is None:
        return _not_ours(args)
    if domain.state != "running" and (complaint := start(machine, domain)):
        return Answer(f"{complaint}\n", FAILED)
    return Answer(f"running {args['name']}\n")


def autostart(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/guest-autostart."""
    domain = _owned(machine, args)
    if domain is None:
        return _not_ours(args)
    domain.autostart = True
    return Answer(f"autostart {args['name']}\n")


def define(machine: Machine, args: Args, payload: bytes) -> Answer:
    """do/guest-define: another definition and larger disks, over a shutdown."""
    domain = _owned(machine, args)
    if domain is None:
        return _not_ours(args)
    stop(machine, domain)
    place = f"{args['dir']}/{args['name']}"
    grown = ""
    for path, size in (
        (f"{args['data_dir']}/data.raw", args["data"]),
        (f"{place}/disks/vdb.img", args["data"]),
    ):
        found = machine.files.get(path)
        if found and int(size) > found.size:
            machine.files[path] = File(found.content, found.mode, found.owner, int(size))
            grown += f"grown {path} {size}\n"
    said = _define_and_start(machine, args, payload, domain.driver)
    return Answer(grown + said.output, said.exit_code)


def remove(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/guest-remove: with its disks, where all of it is ours."""
    places = [place for place in (f"{args['dir']}/{args['name']}", args["data_dir"]) if place]
    if _foreign_guest(machine, args):
        return _not_ours(args)
    for place in places:
        if machine.has_folder(place) and not _owned_folder(machine, args, place):
            return Answer(f"{place} is not ours\n", FOREIGN)
    domain = machine.domains.pop(args["name"], None)
    if domain is not None:
        stop(machine, domain)
    for place in places:
        for path in [path for path in machine.files if path.startswith(f"{place}/")]:
            del machine.files[path]
        machine.folders.discard(place)
    return Answer(f"removed {args['name']}\n")


def _split(args: Args, payload: bytes) -> tuple[bytes, bytes]:
    at = int(args["xml"])
    return payload[:at], payload[at:]


def _foreign_guest(machine: Machine, args: Args) -> Answer | None:
    if args["name"] in machine.domains and _owned(machine, args) is None:
        return Answer(f"the guest {args['name']} is there and is not ours\n", FOREIGN)
    return None


def _owned(machine: Machine, args: Args) -> Domain | None:
    domain = machine.domains.get(args["name"])
    found = LINEAGE.search(domain.xml) if domain else None
    return domain if found and found[1] == args["lineage"] else None


def _not_ours(args: Args) -> Answer:
    return Answer(f"the guest {args['name']} is not ours\n", FOREIGN)


def _owned_folder(machine: Machine, args: Args, place: str) -> bool:
    return f"lineage={args['lineage']}" in _owner_lines(machine, place)


def _claim(machine: Machine, args: Args, place: str) -> Answer | None:
    if machine.has_folder(place):
        return (
            None
            if _owned_folder(machine, args, place)
            else Answer(f"{place} is there and is not ours\n", FOREIGN)
        )
    if machine.is_full(f"{place}/x"):
        return Answer(f"cannot make {place}\n", FAILED)
    owner = f"lineage={args['lineage']}\nname={args['name']}\n"
    machine.files[f"{place}/owner"] = File(owner.encode())
    return None


def _full(machine: Machine, place: str) -> Answer | None:
    return Answer(f"cannot write to {place}\n", FAILED) if machine.is_full(f"{place}/x") else None


def _disk(machine: Machine, path: str, length: int) -> None:
    """A new disk, unless it is there."""
    if path not in machine.files:
        token = machine.world.new_disk() if machine.world else path
        machine.files[path] = File(token.encode(), length=length)


def _define_and_start(machine: Machine, args: Args, xml: bytes, driver: str) -> Answer:
    name = args["name"]
    try:
        read_definition(xml.decode())
    except ParseError as error:
        return Answer(
            f"error: (domain_definition):{error}\nlibvirt refused the definition of {name}\n", FAILED
        )
    domain = machine.domains.setdefault(name, Domain(name, driver, ""))
    domain.xml, domain.autostart = as_libvirt_prints(xml.decode()), True
    if domain.state != "running" and (complaint := start(machine, domain)):
        return Answer(f"{complaint}\n{name} did not start\n", FAILED)
    return Answer(f"running {name}\n")
