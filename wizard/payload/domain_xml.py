"""The libvirt definition of a virtual machine."""

from __future__ import annotations

from xml.etree import ElementTree as Tree

from wizard.payload.guests import GuestPlan

NAMESPACE = "urn:homelab-wizard:guest:1"
"""Of our element in a definition's metadata."""

CONSOLE_LOG = "console.log"


def domain_xml(plan: GuestPlan) -> bytes:
    """The definition of a guest run by KVM, or by QEMU without it.

    Args:
        plan: the guest; its driver is `kvm` or `qemu`.
    """
    root = Tree.Element("domain", type=plan.driver)
    identity(root, plan)
    _machine(root, plan)
    devices = Tree.SubElement(root, "devices")
    _system_disk(devices, plan)
    _data_disk(devices, plan)
    _seed(devices, plan)
    interface(devices, plan)
    _console(devices, plan)
    channel = Tree.SubElement(devices, "channel", type="unix")
    Tree.SubElement(channel, "target", type="virtio", name="org.qemu.guest_agent.0")
    rng = Tree.SubElement(devices, "rng", model="virtio")
    Tree.SubElement(rng, "backend", model="random").text = "/dev/urandom"
    # What a guest was promised stays its own: etcd and the API server must not find their memory lent out.
    Tree.SubElement(devices, "memballoon", model="none")
    return written(root)


def written(root: Tree.Element) -> bytes:
    """A definition as libvirt is given it."""
    Tree.indent(root)
    return Tree.tostring(root) + b"\n"


def identity(root: Tree.Element, plan: GuestPlan) -> None:
    """Name, id, our mark, memory and processors.

    Args:
        root: the `domain` element.
        plan: the guest.
    """
    Tree.register_namespace("wizard", NAMESPACE)
    Tree.SubElement(root, "name").text = plan.name
    Tree.SubElement(root, "uuid").text = plan.uuid
    metadata = Tree.SubElement(root, "metadata")
    Tree.SubElement(
        metadata,
        f"{{{NAMESPACE}}}guest",
        lineage=plan.lineage,
        cluster=plan.cluster,
        definition=plan.definition,
        address=plan.address,
        role=plan.role,
        system=str(plan.disk),
        data=str(plan.data.size if plan.data else 0),
    )
    Tree.SubElement(root, "memory", unit="b").text = str(plan.memory)
    Tree.SubElement(root, "currentMemory", unit="b").text = str(plan.memory)
    Tree.SubElement(root, "vcpu", placement="static").text = str(plan.cpus)


def interface(devices: Tree.Element, plan: GuestPlan) -> None:
    """The network card.

    Args:
        devices: the element it belongs to.
        plan: the guest.
    """
    found = Tree.SubElement(devices, "interface", type=plan.attachment.kind)
    Tree.SubElement(found, "mac", address=plan.mac)
    if plan.attachment.kind == "bridge":
        Tree.SubElement(found, "source", bridge=plan.attachment.source)
    else:
        found.set("trustGuestRxFilters", "yes")
        Tree.SubElement(found, "source", dev=plan.attachment.source, mode="bridge")
    if plan.driver != "lxc":
        Tree.SubElement(found, "model", type="virtio")


def _machine(root: Tree.Element, plan: GuestPlan) -> None:
    if plan.data:
        # A thread of its own, so that etcd's flushes do not queue behind the system disk's.
        Tree.SubElement(root, "iothreads").text = "1"
    arm = plan.arch == "arm64"
    system = Tree.SubElement(root, "os")
    if arm:
        system.set("firmware", "efi")
    kind = {"arch": "aarch64", "machine": "virt"} if arm else {"arch": "x86_64", "machine": "q35"}
    Tree.SubElement(system, "type", kind).text = "hvm"
    Tree.SubElement(system, "boot", dev="hd")
    features = Tree.SubElement(root, "features")
    Tree.SubElement(features, "acpi")
    if arm:
        Tree.SubElement(features, "gic", version="host" if plan.driver == "kvm" else "2")
    else:
        Tree.SubElement(features, "apic")
    _cpu(root, plan, arm=arm)
    Tree.SubElement(root, "clock", offset="utc")
    for event, action in (("poweroff", "destroy"), ("reboot", "restart"), ("crash", "restart")):
        Tree.SubElement(root, f"on_{event}").text = action


def _cpu(root: Tree.Element, plan: GuestPlan, *, arm: bool) -> None:
    if plan.driver == "kvm":
        Tree.SubElement(root, "cpu", mode="host-passthrough", check="none")
    elif arm:
        Tree.SubElement(root, "cpu", mode="maximum", check="none")
    else:
        cpu = Tree.SubElement(root, "cpu", mode="custom", match="exact", check="none")
        Tree.SubElement(cpu, "model", fallback="forbid").text = "qemu64"


def _disk(devices: Tree.Element, kind: str, source: str, driver: dict[str, str], target: str) -> Tree.Element:
    disk = Tree.SubElement(devices, "disk", type=kind, device="disk")
    options = {"name": "qemu", "cache": "none", "io": "native", "discard": "unmap", **driver}
    Tree.SubElement(disk, "driver", options)
    Tree.SubElement(disk, "source", {"dev" if kind == "block" else "file": source})
    Tree.SubElement(disk, "target", dev=target, bus="virtio")
    return disk


def _system_disk(devices: Tree.Element, plan: GuestPlan) -> None:
    _disk(devices, "file", f"{plan.folder}/system.qcow2", {"type": "qcow2"}, "vda")


def _data_disk(devices: Tree.Element, plan: GuestPlan) -> None:
    if plan.data is None:
        return
    kind = "block" if plan.data.device else "file"
    disk = _disk(devices, kind, plan.data.source, {"type": "raw", "iothread": "1"}, "vdb")
    if plan.iotune:
        limits = Tree.SubElement(disk, "iotune")
        for key, value in plan.iotune:
            Tree.SubElement(limits, key).text = str(value)
    Tree.SubElement(disk, "serial").text = plan.serial


def _seed(devices: Tree.Element, plan: GuestPlan) -> None:
    disk = Tree.SubElement(devices, "disk", type="file", device="cdrom")
    Tree.SubElement(disk, "driver", name="qemu", type="raw")
    Tree.SubElement(disk, "source", file=f"{plan.folder}/seed.iso")
    # QEMU's ARM machine has no SATA.
    Tree.SubElement(disk, "target", dev="sda", bus="scsi" if plan.arch == "arm64" else "sata")
    Tree.SubElement(disk, "readonly")
    if plan.arch == "arm64":
        Tree.SubElement(devices, "controller", type="scsi", model="virtio-scsi")


def _console(devices: Tree.Element, plan: GuestPlan) -> None:
    """Logged, so that a guest nobody can reach still says how far it came."""
    serial = Tree.SubElement(devices, "serial", type="pty")
    Tree.SubElement(serial, "log", file=f"{plan.folder}/{CONSOLE_LOG}", append="on")
    Tree.SubElement(serial, "target", port="0")
