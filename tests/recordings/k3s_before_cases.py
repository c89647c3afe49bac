"""What would be in the way of K3s, on a host of the lab."""

from __future__ import annotations

from tests.recordings.case import Case
from tests.recordings.recording import Said
from tests.recordings.stage import LINEAGE, Stage

K3S, CNI, KUBERNETES, HOMELAB = "/var/lib/rancher/k3s", "/etc/cni/net.d", "/etc/kubernetes", "/etc/homelab"


def read(stage: Stage) -> Said:
    return stage.run("read/k3s-before", {"modules": "overlay br_netfilter"})


def nothing(stage: Stage) -> Said:
    stage.clear_k3s()
    return read(stage)


def leftovers(stage: Stage) -> Said:
    stage.clear_k3s()
    stage.write(f"{K3S}/server/db/etcd/member/snap/db", b"")
    stage.write(f"{CNI}/10-calico.conflist", b"{}\n")
    stage.write(f"{KUBERNETES}/manifests/kube-apiserver.yaml", b"")
    try:
        return read(stage)
    finally:
        for folder in (K3S, CNI, KUBERNETES):
            stage.remove(folder)


def ours(stage: Stage) -> Said:
    stage.clear_k3s()
    stage.write(f"{HOMELAB}/k3s", f"lineage={LINEAGE}\nnode=pi\n".encode())
    try:
        return read(stage)
    finally:
        stage.remove(HOMELAB)


BEFORE_CASES = (
    Case("read/k3s-before", "nothing", nothing, hosts=("pi",)),
    Case("read/k3s-before", "leftovers", leftovers, hosts=("pi",)),
    Case("read/k3s-before", "ours", ours, hosts=("pi",)),
)
