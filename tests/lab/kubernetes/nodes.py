"""Six nodes on the lab's guests. Stands where the wizard's own K3s step will be; it is no part of the product."""

from __future__ import annotations

import io
import json
import secrets
import subprocess
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tests.lab.cluster.site import TOWERS, Site, newcomer, tower_of
from tests.lab.conftest import Lab
from tests.lab.story.world import until
from wizard.core.store.secrets import FileSecrets
from wizard.lab import charts, network
from wizard.lab.containers import SHARED
from wizard.lab.docker import client

SERVERS = ("server-a", "server-b")
AGENTS = ("storage-a", "storage-b", "worker-a", "worker-b")
NODES = (*SERVERS, *AGENTS)

SCRIPTS = Path(__file__).parent / "scripts"

READY_SECONDS = 420.0
"""Deadline of a cluster of six on a machine that is busy with other things."""

POD_SECONDS = 240.0
"""Deadline of a handful of pods, likewise."""

STORE = "lab-k3s"
"""Folder beside the guests of a hypervisor, on their file system: what all of them need is linked, not copied."""

PKI = "/etc/homelab/pki"

UNIT = """\
[Unit]
Description=Lightweight Kubernetes (the lab's stand-in)
Wants=network-online.target
After=network-online.target
[Service]
Type=notify
KillMode=process
Delegate=yes
LimitNOFILE=1048576
LimitNPROC=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
ExecStart=/usr/local/bin/k3s {command}
[Install]
WantedBy=multi-user.target
"""


def resident(lab: Lab, home: Path) -> Site:
    """A person whose spec has two workers more, and servers large enough for an API server."""
    operator = newcomer(lab, home)
    place = home / "cluster.yaml"
    net = network.Net(lab.store.subnet)
    lines = place.read_text().replace("role: server, address", "role: server,  address").splitlines()
    lines = [line.replace("memory: 1G", "memory: 2G") if "role: server" in line else line for line in lines]
    last = max(number for number, line in enumerate(lines) if "role: storage" in line)
    for number, tower in enumerate(TOWERS):
        name, address = f"worker-{tower[-1]}", net[61 + number]
        entry = f"  - {{name: {name}, host: {tower}, role: worker, address: {address}, cpus: 1, memory: 1G, disk: 4G}}"
        lines.insert(last + 1 + number, entry)
    place.write_text("\n".join(lines) + "\n")
    return Site(lab, operator)


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """A cluster on guests that `wizard apply` made, with the etcd that it set up."""

    site: Site
    binary: Path
    images: tuple[Path, ...]
    token: str = field(default_factory=partial(secrets.token_hex, 16))
    agent_token: str = field(default_factory=partial(secrets.token_hex, 16))
    times: dict[str, float] = field(default_factory=dict)

    # --- making it

    def install(self) -> None:
        """Lay everything out and start it, the first server before all others."""
        began = time.monotonic()
        with ThreadPoolExecutor(len(TOWERS)) as pool:
            list(pool.map(self._carry, TOWERS))
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(self._lay, NODES))
        self.times["laid out"] = time.monotonic() - began
        self.start(SERVERS[0])
        self.times["first server"] = time.monotonic() - began
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(self.start, NODES[1:]))
        until(self.all_ready, "six nodes are Ready", seconds=READY_SECONDS, pause=1.0)
        self.times["six nodes Ready"] = time.monotonic() - began

    def _carry(self, tower: str) -> None:
        """Bring binary and images to a hypervisor, and link them into its guests."""
        folder = f"{self.site.vm_dir(tower)}/{STORE}"
        container = self.site.lab.container(tower)
        self.site.shell(tower, f"mkdir -p {folder}")
        for file, name in ((self.binary, "k3s"), *((image, image.name) for image in self.images)):
            with file.open("rb") as content:
                place = f"{folder}/{name}"  # a binary that runs is replaced, not written to
                words = [
                    client(),
                    "exec",
                    "-i",
                    container,
                    "sh",
                    "-c",
                    f"cat > {place}.new; mv {place}.new {place}",
                ]
                subprocess.run(words, stdin=content, check=True, timeout=300, capture_output=True)
        guests = [name for name in NODES if tower_of(name) == tower]
        self.site.inside(
            tower, "/bin/sh", "-s", folder, self.site.vm_dir(tower), *guests, given=_script("link")
        )

    def _lay(self, node: str) -> None:
        """Configuration, unit and certificates of one node."""
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as tar:
            for name, text in self._files(node).items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(text.encode()), 0o600
                tar.addfile(entry, io.BytesIO(text.encode()))
        self.site.inside(node, "tar", "-xC", "/", given=made.getvalue())
        self.site.shell(node, "systemctl daemon-reload")

    def _files(self, node: str) -> dict[str, str]:
        server = node in SERVERS
        config = self._server_config(node) if server else self._agent_config()
        config |= {"node-name": node, "node-ip": self.site.address(node)}
        config["node-label"] = [f"topology.kubernetes.io/zone={tower_of(node)}"]
        command = "server" if server else "agent"
        files = {
            "etc/rancher/k3s/config.yaml": yaml.safe_dump(config),
            f"etc/systemd/system/{self.unit(node)}.service": UNIT.format(command=command),
        }
        if server:
            kept = FileSecrets(self.site.operator.folder / "secrets.yaml")
            wanted = {"ca.crt": "etcd/ca.crt", "k3s.crt": "etcd/k3s.crt", "k3s.key": "etcd/k3s.key"}
            for name, secret in wanted.items():
                value = kept.get(secret)
                assert value is not None, secret
                files[f"{PKI.removeprefix('/')}/{name}"] = value.reveal()
            files["var/lib/rancher/k3s/server/manifests/lab-storage.yaml"] = charts.storage_manifest()
        return files

    def _server_config(self, node: str) -> dict[str, Any]:
        members = ("etcd-a", "etcd-b", "pi")
        near = sorted(members, key=lambda member: tower_of(member) != tower_of(node))
        return {
            "token": self.token,
            "agent-token": self.agent_token,
            "datastore-endpoint": ",".join(self.site.client(member) for member in near),
            "datastore-cafile": f"{PKI}/ca.crt",
            "datastore-certfile": f"{PKI}/k3s.crt",
            "datastore-keyfile": f"{PKI}/k3s.key",
            "tls-san": [str(self.site.spec.network.api_vip), "k3s.lab.home.arpa"],
            "disable": ["servicelb", "local-storage", "metrics-server"],
            "flannel-backend": "host-gw",
            "node-taint": ["node-role.kubernetes.io/control-plane=true:NoSchedule"],
        }

    def _agent_config(self) -> dict[str, Any]:
        return {"server": f"https://{self.site.address(SERVERS[0])}:6443", "token": self.agent_token}

    def unit(self, node: str) -> str:
        """Of systemd, as K3s's installer names it."""
        return "k3s" if node in SERVERS else "k3s-agent"

    def start(self, node: str) -> None:
        """Enable and start K3s on a node; systemd waits until it says that it is ready."""
        words = self.site.command(node, "systemctl", "enable", "--now", "--quiet", self.unit(node))
        done = subprocess.run(words, capture_output=True, timeout=READY_SECONDS, check=False)
        assert done.returncode == 0, (node, done.stderr.decode(), self.log(node))

    def log(self, node: str, lines: int = 40) -> str:
        """The last lines of its journal."""
        return self.site.inside(
            node, "journalctl", "-q", "-u", self.unit(node), "-o", "cat", "-n", str(lines), ok=False
        )

    # --- asking it

    def kubectl(self, *words: str, given: str = "", ok: bool = True, through: str = SERVERS[0]) -> str:
        """Ask the API server, on a server."""
        command = ("/usr/local/bin/k3s", "kubectl", *words)
        return self.site.inside(through, *command, given=given.encode(), ok=ok)

    def items(self, *words: str, through: str = SERVERS[0]) -> list[dict[str, Any]]:
        """What `kubectl get` lists; nothing where no server answers."""
        said = self.kubectl("get", *words, "-o", "json", ok=False, through=through)
        found: list[dict[str, Any]] = json.loads(said or '{"items": []}')["items"]
        return found

    def apply(self, *documents: dict[str, Any] | str) -> None:
        """Apply manifests."""
        texts = [
            document if isinstance(document, str) else yaml.safe_dump(document) for document in documents
        ]
        self.kubectl("apply", "-f", "-", given="\n---\n".join(texts))

    def ready(self) -> set[str]:
        """The nodes that are Ready."""
        return {node["metadata"]["name"] for node in self.items("nodes") if is_true(node, "Ready")}

    def all_ready(self) -> bool:
        """Whether all six are."""
        return self.ready() == set(NODES)

    def rolled_out(self, kind: str, name: str, namespace: str) -> None:
        """Wait for a workload."""
        words = ("rollout", "status", f"{kind}/{name}", "-n", namespace, "--timeout=80s")
        until(
            lambda: (
                "successfully" in self.kubectl(*words, ok=False)
                or "complete" in self.kubectl(*words, ok=False)
            ),
            f"{kind} {name} is rolled out\n{self.kubectl('get', 'pods', '-A', '-o', 'wide', ok=False)}",
            seconds=POD_SECONDS,
        )

    def memory(self) -> dict[str, float]:
        """MiB that each node's processes hold, pods included, without what the kernel caches."""
        text = {name: self.site.inside(name, "/bin/sh", "-s", given=_script("memory")) for name in NODES}
        return {name: int(found) / 2**20 for name, found in text.items()}

    # --- unmaking it

    def remove(self) -> None:
        """What was linked goes, and what volumes held; the guests themselves go with the site."""
        self.site.shell(TOWERS[0], f"find {SHARED} -mindepth 1 -delete", ok=False)
        for tower in TOWERS:
            self.site.shell(tower, f"rm -rf {self.site.vm_dir(tower)}/{STORE}", ok=False)


def is_true(thing: dict[str, Any], condition: str) -> bool:
    """Whether a condition of an object holds."""
    found = thing.get("status", {}).get("conditions", [])
    return any(one["type"] == condition and one["status"] == "True" for one in found)


def _script(name: str) -> bytes:
    return (SCRIPTS / f"{name}.sh").read_bytes()
