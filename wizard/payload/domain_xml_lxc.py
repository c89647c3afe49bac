"""The libvirt definition of a container guest, and the files its first boot finds: the lab's guest driver."""

from __future__ import annotations

import io
import tarfile
from xml.etree import ElementTree as Tree

from wizard.core.secret import Secret
from wizard.payload.cloud_init import hosts_file, mount_options
from wizard.payload.domain_xml import identity, interface, written
from wizard.payload.guests import GuestPlan

INIT = "/usr/lib/homelab-lab/init"
"""The first program of a guest root made for this driver."""

DISKS = "/var/lib/homelab-lab"
"""Where such a root looks for the images of its disks."""

CHAR_DEVICES = ("/dev/kmsg", "/dev/fuse", "/dev/loop-control")
LOOP_DEVICES = 128
"""Loop devices a guest may use: the hypervisors of the lab have that many, and share them."""


def container_xml(plan: GuestPlan) -> bytes:
    """The definition of a container guest.

    Args:
        plan: the guest; its driver is `lxc`.
    """
    root = Tree.Element("domain", type="lxc")
    identity(root, plan)
    system = Tree.SubElement(root, "os")
    Tree.SubElement(system, "type").text = "exe"
    Tree.SubElement(system, "init").text = INIT
    features = Tree.SubElement(root, "features")
    allowed = Tree.SubElement(features, "capabilities", policy="allow")
    for name in ("sys_resource", "sys_time"):
        Tree.SubElement(allowed, name, state="off")
    for event, action in (("poweroff", "destroy"), ("reboot", "restart"), ("crash", "restart")):
        Tree.SubElement(root, f"on_{event}").text = action
    devices = Tree.SubElement(root, "devices")
    _folder(devices, f"{plan.folder}/root", "/")
    _folder(devices, f"{plan.folder}/disks", DISKS)
    interface(devices, plan)
    Tree.SubElement(devices, "console", type="pty")
    for path in CHAR_DEVICES:
        _device(devices, "misc", "char", path)
    for number in range(LOOP_DEVICES):
        _device(devices, "storage", "block", f"/dev/loop{number}")
    return written(root)


def _folder(devices: Tree.Element, source: str, target: str) -> None:
    found = Tree.SubElement(devices, "filesystem", type="mount")
    Tree.SubElement(found, "source", dir=source)
    Tree.SubElement(found, "target", dir=target)


def _device(devices: Tree.Element, kind: str, node: str, path: str) -> None:
    found = Tree.SubElement(devices, "hostdev", mode="capabilities", type=kind)
    Tree.SubElement(Tree.SubElement(found, "source"), node).text = path


def first_boot_tar(plan: GuestPlan, authorised: str, host_key: Secret, host_public: str) -> bytes:
    """The files cloud-init would write, as a tar to lay over the root.

    Args:
        plan: the guest.
        authorised: the public line root lets in.
        host_key: the guest's own private key.
        host_public: its public line.
    """
    files = {
        "etc/hostname": (f"{plan.name}\n", 0o644),
        "etc/hosts": (hosts_file(plan), 0o644),
        "etc/systemd/network/10-lan.network": (_network(plan), 0o644),
        "root/.ssh/authorized_keys": (f"{authorised}\n", 0o600),
        "etc/ssh/ssh_host_ed25519_key": (host_key.reveal(), 0o600),
        "etc/ssh/ssh_host_ed25519_key.pub": (f"{host_public}\n", 0o644),
    }
    if plan.data:
        files["etc/fstab"] = (f"UUID={plan.data_uuid} {plan.mount} ext4 {mount_options()} 0 2\n", 0o644)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for folder in ("root/.ssh", plan.mount.lstrip("/")):
            _put(tar, tarfile.TarInfo(folder), b"", 0o700 if folder == "root/.ssh" else 0o755)
        for path, (text, mode) in files.items():
            _put(tar, tarfile.TarInfo(path), text.encode(), mode)
    return made.getvalue()


def _put(tar: tarfile.TarFile, info: tarfile.TarInfo, content: bytes, mode: int) -> None:
    info.mode, info.size = mode, len(content)
    if not content:
        info.type = tarfile.DIRTYPE
    tar.addfile(info, io.BytesIO(content))


def _network(plan: GuestPlan) -> str:
    lines = ["[Match]", f"MACAddress={plan.mac}", "", "[Network]", f"Address={plan.address}/{plan.prefix}"]
    lines += [f"Gateway={plan.gateway}", *(f"DNS={resolver}" for resolver in plan.resolvers)]
    lines += [f"Domains={plan.domain}"]
    if plan.mtu:
        lines += ["", "[Link]", f"MTUBytes={plan.mtu}"]
    return "\n".join(lines) + "\n"
