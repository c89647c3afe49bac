"""Practice with many hosts: the work grows as they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.practice.cluster import Cluster, cluster_text, parsed, yes
from wizard.practice.faults import Faults
from wizard.practice.host import PracticeHosts
from wizard.practice.world import homelab

FEW, MANY = 10, 100


def with_hosts(folder: Path, count: int) -> Cluster:
    """A homelab with so many hosts, two of which carry guests."""
    key = folder / "key"
    key.write_text("not a real key")
    key.chmod(0o600)
    rows = "".join(
        f"  - {{name: more-{number}, role: hypervisor, address: 10.213.98.{number}, guests: qemu, "
        "platform: libvirt, vm_dir: /mnt/vm/domains}\n"
        for number in range(1, count - 2)
    )
    text = cluster_text(key).replace("cidr: 10.213.99.0/24", "cidr: 10.213.98.0/23")
    spec = parsed(text.replace("storage: {", f"{rows}storage: {{", 1))
    assert len(spec.hosts) == count
    machines = homelab(spec)
    return Cluster(spec, folder, machines, PracticeHosts(machines, Faults()))


def asked(cluster: Cluster) -> dict[str, int]:
    """How often each machine was asked something."""
    return {name: one.requests for name, one in cluster.machines.items()}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_a_hundred_hosts_are_asked_as_often_each_as_ten(tmp_path: Path) -> None:
    few, many = with_hosts(tmp_path, FEW), with_hosts(tmp_path, MANY)
    for cluster in (few, many):
        assert cluster.session().apply(yes).status == "done"
    each = [
        {count for name, count in asked(cluster).items() if name.startswith("more-")}
        for cluster in (few, many)
    ]
    # Of steps done side by side one may ask once more for what another has just changed.
    assert max(each[1]) <= max(each[0]) + 1, "a host is asked the more often the more there are"
    assert sum(asked(many).values()) <= sum(asked(few).values()) * MANY / FEW
