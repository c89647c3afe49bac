"""What must hold on a hypervisor before guests are made on it: facts in, finding out."""

from __future__ import annotations

from steps.host_checks import HostCheck
from wizard.core.check import Finding, Level, failed, passed, skipped, warned
from wizard.core.dataclass import dataclass
from wizard.core.facts import HostFacts, Nic
from wizard.core.spec.model import HostSpec

DEFAULT_BRIDGE = "br0"
"""Unraid's own name for it, and the usual one elsewhere (domain.md 11)."""

_UPLINKS = ("ethernet", "bond", "vlan", "wifi")


@dataclass(frozen=True, slots=True)
class _Daemon:
    """What is said of a daemon that is not there, or there and silent."""

    name: str
    absent: str
    """What shows that it was never installed."""
    packages: str
    process: str
    quiet: str
    """What is seen where nothing of it answers."""
    unraid_off: str
    start: str
    """The words after `systemctl`."""


_LIBVIRT = _Daemon(
    name="libvirt",
    absent="neither virsh nor libvirtd is on the PATH",
    packages="libvirt-daemon-system libvirt-clients qemu-utils qemu-system",
    process="libvirtd",
    quiet="no libvirtd process, no socket",
    unraid_off="Its VM service is off",
    start="restart libvirtd",
)
_DOCKER = _Daemon(
    name="docker",
    absent="docker is not on the PATH",
    packages="docker.io",
    process="dockerd",
    quiet="no dockerd process",
    unraid_off="Docker is switched off",
    start="enable --now docker",
)


def _missing(daemon: _Daemon, host: HostSpec, ssh: str) -> Finding:
    return failed(
        f"{host.name} has no {daemon.name}.",
        evidence=daemon.absent,
        cause="It was never installed.",
        fix=f"{ssh} apt-get install --yes {daemon.packages}",
    )


def _silent(daemon: _Daemon, facts: HostFacts, host: HostSpec, ssh: str, note: str) -> Finding:
    unraid = facts.unraid is not None
    return failed(
        f"{daemon.name} on {host.name} does not answer.",
        evidence=note or daemon.quiet,
        cause=f"{daemon.unraid_off}, or the array is stopped."
        if unraid
        else f"{daemon.process} is not running.",
        fix=f"{ssh} /etc/rc.d/rc.{daemon.name} start" if unraid else f"{ssh} systemctl {daemon.start}",
    )


def libvirt(facts: HostFacts, host: HostSpec, ssh: str) -> Finding:
    """It answers, or sleeps and wakes by itself when somebody connects (as Debian's does)."""
    found = facts.libvirt
    if found.answers:
        guests = f"{len(found.guests)} guest" + ("" if len(found.guests) == 1 else "s")
        return passed(f"libvirt {found.version} answers, {guests}.", evidence=", ".join(found.drivers))
    if found.answers is None and found.wakes and not facts.unraid:
        return passed("libvirt sleeps and wakes when it is asked.")
    if not found.installed:
        return _missing(_LIBVIRT, host, ssh)
    return _silent(_LIBVIRT, facts, host, ssh, found.note)


def virtualisation(facts: HostFacts, host: HostSpec, ssh: str) -> Finding:
    """Guests can run at hardware speed, unless the spec asks for guests that need no hardware."""
    if host.guests in ("lxc", "qemu"):
        return passed(f"Guests are {host.guests}: no hardware virtualisation is needed.")
    if facts.virtualisation.kvm:
        return passed("/dev/kvm is there.", evidence=facts.cpu.extension)
    if facts.cpu.extension:
        return failed(
            f"{host.name} has no /dev/kvm although its processor could.",
            evidence=f"{facts.cpu.model}: {facts.cpu.extension}",
            cause="The kernel module is not loaded, or the firmware (BIOS) has virtualisation switched off.",
            fix=f"{ssh} modprobe {'kvm_intel' if facts.cpu.extension == 'vmx' else 'kvm_amd'}",
        )
    return failed(
        f"{host.name} cannot run guests at hardware speed.",
        evidence=f"{facts.cpu.model or 'processor'}: neither vmx nor svm, no /dev/kvm",
        cause=_no_extension(facts),
        fix="Switch on VT-x (Intel) or SVM (AMD) in the firmware setup (BIOS), then reboot",
    )


def _no_extension(facts: HostFacts) -> str:
    inside = facts.virtualisation.inside
    if inside not in ("", "none"):
        return (
            f"It runs inside {inside}, which does not hand virtualisation on (nested virtualisation is off)."
        )
    return "Virtualisation is switched off in the firmware (BIOS), or the processor has none."


def bridge(facts: HostFacts, host: HostSpec, ssh: str) -> Finding:
    """A bridge with a way out to the LAN, so that guests get addresses of their own there."""
    wanted = host.bridge or (facts.unraid.bridge if facts.unraid else "")
    found = facts.nic(wanted) if wanted else lan_bridge(facts)
    if found is None:
        return _no_bridge(facts, host, wanted or DEFAULT_BRIDGE, ssh)
    if found.kind != "bridge":
        return failed(
            f"{found.name} on {host.name} is no bridge.",
            evidence=f"{found.name}: {found.kind}",
            cause="`bridge` in the spec names another kind of interface.",
            fix=f"{ssh} ip -brief link show type bridge",
        )
    uplinks = [nic.name for nic in facts.nics if nic.master == found.name and nic.kind in _UPLINKS]
    if not uplinks:
        return warned(
            f"The bridge {found.name} on {host.name} has no way out to the LAN.",
            evidence=f"members: {_members(facts, found) or 'none'}",
            cause="No network card is part of it.",
            fix=f"{ssh} ip link set {_card(facts)} master {found.name}",
        )
    return passed(f"{found.name} over {', '.join(uplinks)}.")


def lan_bridge(facts: HostFacts) -> Nic | None:
    """The bridge that carries the default route, else one that a network card is part of."""
    route = facts.default_route
    masters = {nic.master for nic in facts.nics if nic.kind in _UPLINKS}
    bridges = [nic for nic in facts.bridges if nic.name in masters or (route and nic.name == route.nic)]
    return min(bridges, key=lambda nic: (route is None or nic.name != route.nic, nic.name), default=None)


def _members(facts: HostFacts, found: Nic) -> str:
    return ", ".join(nic.name for nic in facts.nics if nic.master == found.name)


def _card(facts: HostFacts) -> str:
    return next((nic.name for nic in facts.nics if nic.kind == "ethernet" and not nic.master), "eth0")


def _shareable(facts: HostFacts) -> bool:
    """Whether there is a wired card with a way out that guests can share."""
    route = facts.default_route
    nic = facts.nic("vhost0") or (facts.nic(route.nic) if route else None)
    return nic is not None and nic.kind in ("ethernet", "bond", "macvtap", "virtual")


_MACVTAP = (
    "Guests are put on the network card itself (macvtap) and have addresses all the same, "
    "but they and {host} cannot reach each other."
)
"""domain.md 11."""


def _no_bridge(facts: HostFacts, host: HostSpec, wanted: str, ssh: str) -> Finding:
    names = ", ".join(f"{nic.name} ({nic.kind})" for nic in facts.nics if nic.kind != "loopback")
    names = names or "no network interface seen"
    # A bridge that the spec names must be there; otherwise guests share the card itself.
    shared = not host.bridge and _shareable(facts)
    make, instead = (warned, f" {_MACVTAP.format(host=host.name)}") if shared else (failed, "")
    if facts.unraid:
        return make(
            f"{host.name} has no bridge {wanted}.",
            evidence=names,
            cause=f"Bridging is switched off in Unraid's network settings.{instead}",
            fix="In Unraid's web interface, with the array stopped: Settings > Network Settings > Enable bridging: Yes",
        )
    if facts.default_route and (nic := facts.nic(facts.default_route.nic)) and nic.kind == "wifi":
        return failed(
            f"{host.name} has no bridge {wanted}, and reaches the LAN by Wi-Fi.",
            evidence=names,
            cause="A Wi-Fi client cannot carry the addresses of guests: an access point takes frames of one MAC only.",
            fix="Connect it by cable, then run: wizard doctor discover.bridge",
        )
    return make(
        f"{host.name} has no bridge {wanted}.",
        evidence=names,
        cause=f"Nobody made one; guests need it to have addresses on the LAN.{instead}",
        fix=f"{ssh} nmcli connection add type bridge ifname {wanted}   # without NetworkManager: docs/discovery.md#bridge",
    )


def array(facts: HostFacts, host: HostSpec, ssh: str) -> Finding:
    """Unraid's array is started, and starts by itself: guests live on it and start after it."""
    if facts.unraid is None:
        return skipped(f"{host.name} is not Unraid.")
    state = facts.unraid.array_state
    if state and state != "STARTED":
        return failed(
            f"The array of {host.name} is not started.",
            evidence=f'mdState="{state}"',
            cause="It was stopped, or waits for its key or a missing disk after a boot.",
            fix="In Unraid's web interface: Main > Start",
        )
    if facts.unraid.array_autostart is False:
        return failed(
            f"The array of {host.name} does not start by itself: after a power cut its guests stay down.",
            evidence='startArray="no" in /boot/config/disk.cfg',
            cause="Auto-start is switched off.",
            fix="In Unraid's web interface: Settings > Disk Settings > Enable auto start: Yes",
        )
    if not state or facts.unraid.array_autostart is None:
        return skipped(
            f"The state of the array could not be read. Look with: {ssh} cat /var/local/emhttp/var.ini"
        )
    return passed("The array is started and starts by itself.")


def vm_service(facts: HostFacts, host: HostSpec, ssh: str) -> Finding:
    """Unraid's VM service is on and its image, which keeps the definitions of guests, is mounted."""
    if facts.unraid is None:
        return skipped(f"{host.name} is not Unraid.")
    if facts.unraid.vm_service is False:
        return failed(
            f"The VM service of {host.name} is switched off.",
            evidence='SERVICE="disable" in /boot/config/domain.cfg',
            cause="It is off until somebody switches it on.",
            fix="In Unraid's web interface: Settings > VM Manager > Enable VMs: Yes",
        )
    if facts.unraid.libvirt_image_mounted is False:
        return failed(
            f"libvirt.img is not mounted on {host.name}: guests defined now would be lost.",
            evidence="/etc/libvirt is no mount point",
            cause="The array is stopped, or the image is missing or damaged.",
            fix=f"{ssh} /etc/rc.d/rc.libvirt start",
        )
    return passed("The VM service is on, its image is mounted.")


def docker(facts: HostFacts, host: HostSpec, ssh: str) -> Finding:
    """Docker answers: the name server of the LAN runs in it, outside of Kubernetes."""
    found = facts.docker
    if found.answers:
        return passed(f"docker {found.version} answers, {len(found.containers)} containers.")
    if not found.installed:
        return _missing(_DOCKER, host, ssh)
    return _silent(_DOCKER, facts, host, ssh, found.note)


HYPERVISOR_CHECKS = (
    HostCheck("discover.libvirt", "libvirt on {host} answers", libvirt, "hypervisor"),
    HostCheck(
        "discover.virtualisation", "{host} can run guests at the speed it needs", virtualisation, "hypervisor"
    ),
    HostCheck("discover.bridge", "{host} has a bridge to the LAN", bridge, "hypervisor"),
    HostCheck("discover.docker", "docker on {host} answers", docker, "hypervisor", Level.WARNING),
    HostCheck("discover.array", "The array of {host} is started and starts by itself", array, "unraid"),
    HostCheck("discover.vm-service", "The VM service of {host} is on", vm_service, "unraid"),
)
"""What is asked of a hypervisor; `unraid` rows where the spec says so or leaves it open."""
