"""Six nodes that the wizard makes on the lab's guests, and how tests look at them past it."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.lab.cluster.site import TOWERS, Site, newcomer, tower_of
from tests.lab.conftest import Lab
from tests.lab.story.world import until
from wizard.lab import charts
from wizard.lab.containers import SHARED
from wizard.lab.docker import client

SERVERS = ("server-a", "server-b")
AGENTS = ("storage-a", "storage-b", "worker-a", "worker-b")
NODES = (*SERVERS, *AGENTS)

LEFT_OUT = ("storage-a", "storage-b", "worker-b")
"""Guests of the lab's spec that a server on each hypervisor and an agent do without."""

SCRIPTS = Path(__file__).parent / "scripts"

READY_SECONDS = 420.0
"""Deadline of a cluster of six on a machine that is busy with other things."""

POD_SECONDS = 240.0
"""Deadline of a handful of pods, likewise."""

STORE = "lab-k3s"
"""Folder beside the guests of a hypervisor, on their file system: what all of them need is linked, not copied."""

MANIFESTS = "/var/lib/rancher/k3s/server/manifests"

APPLY_SECONDS = 900.0
"""Deadline of an apply on a machine that is busy with other things."""


def resident(lab: Lab, home: Path, *, without: tuple[str, ...] = ()) -> Site:
    """A person whose spec asks for Kubernetes, on the guests of the lab's spec or all but some of them."""
    operator = newcomer(lab, home)
    lines = lab.spec_text(kubernetes=True).splitlines(keepends=True)
    kept = [line for line in lines if not any(f"{{name: {guest}," in line for guest in without)]
    (home / "cluster.yaml").write_text("".join(kept))
    return Site(lab, operator)


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """A cluster that the wizard made, and what the lab lays beside it."""

    site: Site
    images: tuple[Path, ...]
    """Archives of images that no release of K3s holds."""
    times: dict[str, float] = field(default_factory=dict)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names that the spec has, also while it does not ask for Kubernetes yet."""
        return tuple(machine.name for machine in self.site.spec.machines if machine.role != "etcd")

    # --- making it

    def install(self) -> None:
        """By the real command: guests and etcd, then K3s on them, with the lab's images and storage where it looks."""
        place = self.site.operator.home / "cluster.yaml"
        whole = place.read_text()
        # Without Kubernetes first: the guests have to be there for what the lab lays into them.
        place.write_text(without_kubernetes(whole))
        self._apply("eight guests and etcd")
        with ThreadPoolExecutor(len(TOWERS)) as pool:
            list(pool.map(self._carry, TOWERS))
        place.write_text(whole)
        self._apply("six nodes Ready")
        for server in SERVERS:
            words = ("tee", f"{MANIFESTS}/lab-storage.yaml")
            self.site.inside(server, *words, given=charts.storage_manifest().encode())
        assert self.all_ready()

    def _apply(self, what: str) -> None:
        done = self.site.operator.run("apply", "--plain", "--yes", code=0, timeout=APPLY_SECONDS)
        self.times[what] = done.seconds

    def _carry(self, tower: str) -> None:
        """Bring images to a hypervisor, and link them into its guests."""
        folder = f"{self.site.vm_dir(tower)}/{STORE}"
        container = self.site.lab.container(tower)
        self.site.shell(tower, f"mkdir -p {folder}")
        for image in self.images:
            with image.open("rb") as content:
                words = [client(), "exec", "-i", container, "sh", "-c", f"cat > {folder}/{image.name}"]
                subprocess.run(words, stdin=content, check=True, timeout=300, capture_output=True)
        guests = [name for name in self.nodes if tower_of(name) == tower]
        self.site.inside(
            tower, "/bin/sh", "-s", folder, self.site.vm_dir(tower), *guests, given=_script("link")
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
        """Whether all are, and no other is there."""
        return self.ready() == set(self.nodes)

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
        text = {name: self.site.inside(name, "/bin/sh", "-s", given=_script("memory")) for name in self.nodes}
        return {name: int(found) / 2**20 for name, found in text.items()}

    # --- unmaking it

    def remove(self) -> None:
        """What was linked goes, and what volumes held; the guests themselves go with the site."""
        self.site.shell(TOWERS[0], f"find {SHARED} -mindepth 1 -delete", ok=False)
        for tower in TOWERS:
            self.site.shell(tower, f"rm -rf {self.site.vm_dir(tower)}/{STORE}", ok=False)


def without_kubernetes(spec: str) -> str:
    """The same spec, asking for guests and etcd only."""
    lines = [
        line.replace("}", ", enabled: false}") if line.startswith("k3s:") else line
        for line in with_apps(spec).splitlines(keepends=True)
    ]
    return "".join(lines)


def with_apps(spec: str, *names: str) -> str:
    """The same spec, asking for these apps and no others."""
    wanted = ", ".join(f"{name}: {{}}" for name in names)
    lines = [
        f"apps: {{{wanted}}}\n" if line.startswith("apps:") else line
        for line in spec.splitlines(keepends=True)
    ]
    return "".join(lines)


def is_true(thing: dict[str, Any], condition: str) -> bool:
    """Whether a condition of an object holds."""
    found = thing.get("status", {}).get("conditions", [])
    return any(one["type"] == condition and one["status"] == "True" for one in found)


def _script(name: str) -> bytes:
    return (SCRIPTS / f"{name}.sh").read_bytes()
