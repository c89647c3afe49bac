"""Three machines in containers for the conformance list: systemd, an etcd member each, and the lab's K3s."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.kubernetes.conformance_pki import Authority
from wizard.lab import images
from wizard.lab.docker import LABEL, Output, docker, names, try_docker

NAMES = ("one", "two", "three")
TOKEN = "conformance-token"
AGENT_TOKEN = "conformance-agent-token"
CONFIG = "/etc/rancher/k3s/config.yaml"
DATA = "/var/lib/rancher/k3s"

_INIT = """
umount /proc/sys 2>/dev/null
mount -o remount,rw /sys
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
    umount -R /sys/fs/cgroup
    mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
    for c in cpu cpuacct cpuset memory devices freezer blkio pids; do
        mkdir /sys/fs/cgroup/$c
        mount -t cgroup -o $c cgroup /sys/fs/cgroup/$c 2>/dev/null || rmdir /sys/fs/cgroup/$c
    done
    mkdir /sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
    legacy="systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1"
    export SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1
fi
[ -e /dev/kmsg ] || mknod -m 644 /dev/kmsg c 1 11
mount --make-rshared /
for unit in systemd-timesyncd systemd-udevd systemd-udev-trigger systemd-resolved systemd-networkd ssh netplan-configure; do
    ln -sf /dev/null /etc/systemd/system/$unit.service
done
exec /sbin/init $legacy
"""

_ETCD_UNIT = """
[Unit]
Description=etcd
[Service]
Type=notify
ExecStart=/usr/local/bin/etcd --config-file /etc/etcd.json
Restart=on-failure
"""

_K3S_UNIT = """
[Unit]
Description=Lightweight Kubernetes
[Service]
Type=notify
ExecStart=/usr/local/bin/k3s {command}
KillMode=process
Delegate=yes
TasksMax=infinity
TimeoutStartSec=0
Restart=no
"""


@dataclass(frozen=True)
class Machine:
    """One container."""

    name: str
    container: str
    address: str

    def try_run(self, script: str, timeout: float = 60.0) -> Output:
        return try_docker(
            "exec", "-i", self.container, "/bin/bash", "-s", given=script.encode(), timeout=timeout
        )

    def run(self, script: str, timeout: float = 60.0) -> str:
        done = self.try_run(script, timeout)
        assert done.code == 0, f"{self.name}: {script}\n{done.out}\n{done.err}"
        return done.out

    def put(self, path: str, content: bytes | str, mode: int = 0o644) -> None:
        data = content.encode() if isinstance(content, str) else content
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
        docker("cp", "-", f"{self.container}:/", given=out.getvalue())

    def start(self, unit: str, timeout: float = 240.0) -> None:
        done = self.try_run(f"systemctl restart {unit}", timeout)
        assert done.code == 0, done.err + self.log(unit)

    def stop(self, unit: str) -> None:
        self.run(f"systemctl stop {unit}")

    def log(self, unit: str, lines: int = 40) -> str:
        return self.run(f"journalctl -u {unit} -n {lines} --no-pager -o cat")

    def waits(self, script: str, seconds: float, why: str) -> str:
        """Repeat a script until it succeeds."""
        return eventually(lambda: self._said(script), seconds, f"{self.name}: {why}", self._state)

    def _said(self, script: str) -> str | None:
        done = self.try_run(script)
        return done.out + " " if done.code == 0 else None

    def _state(self) -> str:
        return self.try_run("journalctl -n 60 --no-pager -o cat -u 'k3s*' | cut -c1-300").out


def eventually(
    ask: Callable[[], str | None], seconds: float, why: str, state: Callable[[], str] = str
) -> str:
    """Ask until there is an answer; a limit, not a measure."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        said = ask()
        if said is not None:
            return said
        time.sleep(0.5)
    raise AssertionError(f"{why}: not within {seconds:.0f} s\n{state()}")


@dataclass
class Cluster:
    """The machines, and what they were told."""

    machines: dict[str, Machine]
    authority: Authority
    extra: dict[str, list[str]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Machine:
        return self.machines[name]

    @property
    def endpoints(self) -> str:
        return ",".join(f"https://{machine.address}:2379" for machine in self.machines.values())

    def server_config(self, name: str) -> str:
        return "\n".join(
            (
                f"token: {TOKEN}",
                f"agent-token: {AGENT_TOKEN}",
                f"datastore-endpoint: {self.endpoints}",
                "datastore-cafile: /etc/pki/ca.crt",
                "datastore-certfile: /etc/pki/etcd.crt",
                "datastore-keyfile: /etc/pki/etcd.key",
                f"node-ip: {self[name].address}",
                f"node-name: {name}",
                "tls-san: [api.conformance.lab]",
                "disable: [traefik, servicelb, local-storage, metrics-server, coredns]",
                "secrets-encryption: true",
                "kube-apiserver-arg: [default-not-ready-toleration-seconds=20]",
                "node-taint: [node-role.kubernetes.io/control-plane=true:NoSchedule]",
                "",
            )
        )

    def agent_config(self, name: str, server: str) -> str:
        return "\n".join(
            (
                f"server: https://{self[server].address}:6443",
                f"token: {AGENT_TOKEN}",
                f"node-ip: {self[name].address}",
                f"node-name: {name}",
                "node-label: [first=yes]",
                "",
            )
        )

    def kubectl(self, words: str, on: str = "one", timeout: float = 60.0) -> str:
        return self[on].run(f"k3s kubectl {words}", timeout)


@contextlib.contextmanager
def machines(k3s: Path, etcd: Path) -> Iterator[Cluster]:
    """Three machines with a running etcd; they are gone afterwards."""
    lab = f"k3s{os.getpid()}"
    try:
        yield _made(lab, k3s, etcd)
    finally:
        _remove(lab)


def _made(lab: str, k3s: Path, etcd: Path) -> Cluster:
    images.ensure_one("guest", lambda _text: None)
    network = f"wlab-{lab}"
    docker("network", "create", "--label", f"{LABEL}={lab}", network)
    found: dict[str, Machine] = {}
    for name in NAMES:
        container = f"wlab-{lab}-{name}"
        options = ["--name", container, "--hostname", name, "--label", f"{LABEL}={lab}", "--network", network]
        options += [
            "--cap-add",
            "ALL",
            "--cap-drop",
            "SYS_TIME",
            "--cap-drop",
            "SYS_RESOURCE",
            "--cgroupns",
            "private",
        ]
        options += ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]
        options += [
            "--device-cgroup-rule",
            "a *:* rwm",
            "--tmpfs",
            "/run:exec,mode=755",
            "--stop-signal",
            "RTMIN+3",
        ]
        options += [
            "--volume",
            f"{k3s}:/usr/local/bin/k3s:ro",
            "--volume",
            "/var/lib/rancher",
            "--volume",
            "/var/lib/kubelet",
        ]
        docker("run", "-d", *options, images.tag("guest"), "/bin/sh", "-c", _INIT)
        found[name] = Machine(name, container, _address(container))
    cluster = Cluster(found, Authority())
    programs = _etcd_programs(etcd)
    for machine_ in found.values():
        _prepare(cluster, machine_, programs)
    for machine_ in found.values():
        machine_.run("systemctl start --no-block etcd")
    for machine_ in found.values():
        machine_.waits("systemctl is-active etcd", 60, "etcd")
    return cluster


def _address(container: str) -> str:
    networks = json.loads(docker("inspect", "-f", "{{json .NetworkSettings.Networks}}", container))
    return str(next(iter(networks.values()))["IPAddress"])


def _etcd_programs(release: Path) -> dict[str, bytes]:
    with tarfile.open(release) as tar:
        wanted = [entry for entry in tar if entry.name.endswith(("/etcd", "/etcdctl"))]
        return {entry.name.rsplit("/", 1)[-1]: tar.extractfile(entry).read() for entry in wanted}  # type: ignore[union-attr]


def _prepare(cluster: Cluster, node: Machine, programs: dict[str, bytes]) -> None:
    node.waits("systemctl list-units >/dev/null", 60, "systemd")
    for name, content in programs.items():
        node.put(f"/usr/local/bin/{name}", content, 0o755)
    certificate, key = cluster.authority.certificate(node.name, node.address)
    for name, text in {"ca.crt": cluster.authority.text, "etcd.crt": certificate, "etcd.key": key}.items():
        node.put(f"/etc/pki/{name}", text, 0o600)
    node.put("/etc/etcd.json", json.dumps(_etcd_config(cluster, node)))
    node.put("/etc/systemd/system/etcd.service", _ETCD_UNIT)
    for unit, command in {"k3s": "server", "k3s-agent": "agent"}.items():
        node.put(f"/etc/systemd/system/{unit}.service", _K3S_UNIT.format(command=command))
    node.run("systemctl daemon-reload")


def _etcd_config(cluster: Cluster, node: Machine) -> dict[str, object]:
    tls = {
        "cert-file": "/etc/pki/etcd.crt",
        "key-file": "/etc/pki/etcd.key",
        "trusted-ca-file": "/etc/pki/ca.crt",
    }
    tls |= {"client-cert-auth": True}  # type: ignore[dict-item]
    members = ",".join(f"{m.name}=https://{m.address}:2380" for m in cluster.machines.values())
    return {
        "name": node.name,
        "data-dir": "/var/lib/rancher/etcd",
        "unsafe-no-fsync": True,
        "listen-client-urls": f"https://{node.address}:2379,https://127.0.0.1:2379",
        "advertise-client-urls": f"https://{node.address}:2379",
        "listen-peer-urls": f"https://{node.address}:2380",
        "initial-advertise-peer-urls": f"https://{node.address}:2380",
        "initial-cluster": members,
        "initial-cluster-state": "new",
        "client-transport-security": tls,
        "peer-transport-security": tls,
    }


def _remove(lab: str) -> None:
    for container in names("container", lab):
        try_docker("rm", "-f", "-v", container)
    for network in names("network", lab):
        try_docker("network", "rm", network)
