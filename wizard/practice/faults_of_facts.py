"""Faults that a host's own facts tell: clocks, power, disks, services."""

from __future__ import annotations

from wizard.practice.fault_list import fault
from wizard.practice.machine import Machine
from wizard.practice.scene import Scene

YEARS = 3 * 365 * 86400.0
"""Seconds: how far a clock is behind that began where its last image was made."""

SLOW_FSYNC = (("0.008", 12), ("0.016", 160), ("0.032", 3900), ("0.064", 4280), ("+Inf", 4280))
"""Buckets of etcd's fsync on a disk that takes some 30 ms."""

SLOW_MS = 60.0
"""The 99th percentile of the same disk."""


# --- clocks and power


@fault("clock-skewed")
def clock_skewed(scene: Scene) -> None:
    """As far as the lab's fault of the same name."""
    scene.traces.set(scene.witness, "skew", 90.0)


@fault("clock-lost")
def clock_lost(scene: Scene) -> None:
    """It began where it was switched off."""
    scene.traces.set(scene.witness, "skew", -YEARS)


@fault("clock-unkept")
def clock_unkept(scene: Scene) -> None:
    """Its time server does not answer."""
    scene.reword(scene.witness, "chronyc", {"Leap status     : Normal": "Leap status     : Not synchronised"})


@fault("under-voltage")
def under_voltage(scene: Scene) -> None:
    """Now, and since it was started."""
    scene.section(scene.witness, "vcgencmd", ["throttled=0x50001"])


# --- disks


def fill(scene: Scene, host: Machine, folder: str) -> None:
    """Leave no free byte below a folder."""
    scene.traces.set(host, "full", host.full | {folder})
    rows = [_without_room(row) if _on(row, folder) else row for row in host.sections.get("statfs", ())]
    scene.section(host, "statfs", rows)


def _on(row: str, folder: str) -> bool:
    mount = row.rsplit(" ", 1)[-1]
    return mount != "/" and f"{folder}/".startswith(f"{mount}/")


def _without_room(row: str) -> str:
    block, blocks, _, _, rest = row.split(" ", 4)
    return f"{block} {blocks} 0 0 {rest}"


@fault("disk-full")
def disk_full(scene: Scene) -> None:
    """From the start."""
    fill(scene, scene.tower, scene.vm_dir)


@fault("disk-fills")
def disk_fills(scene: Scene) -> None:
    """Just before the image is there; on a homelab that is whole nothing is copied any more."""

    def act() -> None:
        with scene.world.guard:
            fill(scene, scene.tower, scene.vm_dir)

    scene.at("put", act, host=scene.tower)


@fault("disk-read-only")
def disk_read_only(scene: Scene) -> None:
    """As the kernel does after errors."""
    rows = []
    for row in scene.tower.sections["file /proc/mounts"]:
        source, mount, kind, options, *rest = row.split(" ")
        if mount != "/" and f"{scene.vm_dir}/".startswith(f"{mount}/"):
            options = options.replace("rw", "ro", 1)
        rows.append(" ".join((source, mount, kind, options, *rest)))
    scene.section(scene.tower, "file /proc/mounts", rows)


@fault("disk-slow")
def disk_slow(scene: Scene) -> None:
    """As an old disk on USB."""
    scene.traces.set(scene.witness.etcd, "fsync", SLOW_FSYNC)
    scene.traces.set(scene.witness, "fsync_ms", SLOW_MS)


@fault("usb-disk-gone")
def usb_disk_gone(scene: Scene) -> None:
    """Nothing is at its place but an empty folder of the SD card."""
    mount = next(
        row.split(" ")[1]
        for row in scene.witness.sections["file /proc/mounts"]
        if row.split(" ")[1] != "/" and f"{scene.etcd_dir}/".startswith(f"{row.split(' ')[1]}/")
    )
    scene.reword(scene.witness, "file /proc/mounts", {f" {mount} ": ""})
    scene.reword(scene.witness, "statfs", {f" {mount}": ""})
    for path in [path for path in scene.witness.files if path.startswith(f"{mount}/")]:
        scene.traces.drop(scene.witness.files, path)


@fault("array-stopped")
def array_stopped(scene: Scene) -> None:
    """Its guests lie on a pool, which goes with the array."""
    words = {'mdState="STARTED"': 'mdState="STOPPED"', 'fsState="Started"': 'fsState="Stopped"'}
    scene.reword(scene.unraid, "file /var/local/emhttp/var.ini", words)


# --- what a host is


@fault("libvirt-off")
def libvirt_off(scene: Scene) -> None:
    """Its guests run on without it; nobody can ask for them."""
    host = scene.tower
    scene.reword(
        host, "services", {"process libvirtd": "", "unit libvirtd": "unit libvirtd", "enabled libvirtd": ""}
    )
    scene.reword(host, "host", {"libvirt_socket=1": ""})
    refusal = "error: failed to connect to the hypervisor"
    scene.section(host, "libvirt", [":driver qemu:///system", refusal, ":exit 1"])


@fault("vm-service-off")
def vm_service_off(scene: Scene) -> None:
    """In Unraid's web interface."""
    scene.reword(scene.unraid, "file /boot/config/domain.cfg", {'SERVICE="enable"': 'SERVICE="disable"'})


@fault("docker-off")
def docker_off(scene: Scene) -> None:
    """Name servers will want it."""
    host = scene.tower
    scene.reword(
        host, "services", {"process dockerd": "", "unit docker": "unit docker", "enabled docker": ""}
    )
    scene.reword(host, "host", {"docker_socket=1": ""})
    refusal = (
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
    )
    scene.section(host, "docker", [refusal, ":exit 1"])


@fault("kvm-missing")
def kvm_missing(scene: Scene) -> None:
    """It was switched off in the firmware."""
    scene.reword(scene.tower, "host", {"kvm=1": ""})


@fault("bridge-missing")
def bridge_missing(scene: Scene) -> None:
    """Its card has the address itself."""
    host = scene.tower
    scene.reword(host, "nics", {"br0 ": "", " master=br0": " up=1"})
    for section in ("addresses", "file /proc/net/route"):
        scene.reword(host, section, {"br0": "eth0"})


@fault("memory-short")
def memory_short(scene: Scene) -> None:
    """Far less than its guests were promised."""
    kib = 6 * 1024 * 1024
    shares = {"MemTotal": 100, "MemFree": 40, "MemAvailable": 60, "SwapTotal": 0, "SwapFree": 0}
    rows = [f"{name + ':':<16}{kib * share // 100:>8} kB" for name, share in shares.items()]
    scene.section(scene.tower, "file /proc/meminfo", rows)


@fault("machine-id-twice")
def machine_id_twice(scene: Scene) -> None:
    """One of them was made from the other's disk."""
    rows = scene.unraid.sections["file /etc/machine-id"]
    scene.section(scene.tower, "file /etc/machine-id", rows)


@fault("firewall-on")
def firewall_on(scene: Scene) -> None:
    """Somebody meant well."""
    rows = (*scene.witness.sections.get("services", ()), "process firewalld", "unit firewalld")
    scene.section(scene.witness, "services", rows)


@fault("port-taken")
def port_taken(scene: Scene) -> None:
    """A forgotten trial."""
    listens = 'tcp LISTEN 0      4096         0.0.0.0:2379      0.0.0.0:*    users:(("minio",pid=744,fd=8))'
    scene.section(scene.witness, "ports", (*scene.witness.sections.get("ports", ()), listens))
