"""The administrator's kubeconfig on a host of the lab: a text in its place, since no key belongs into a recording."""

from __future__ import annotations

from tests.recordings.case import Case
from tests.recordings.recording import Said
from tests.recordings.stage import Stage
from wizard.core.kubeconfig import KUBECONFIG

TEXT = b"apiVersion: v1\nclusters:\n- cluster:\n    server: https://127.0.0.1:6443\n  name: default\n"


def read_none(stage: Stage) -> Said:
    stage.remove(KUBECONFIG)
    return stage.run("read/k3s-admin", {})


def read_there(stage: Stage) -> Said:
    stage.write(KUBECONFIG, TEXT, 0o600)
    try:
        return stage.run("read/k3s-admin", {})
    finally:
        stage.remove("/etc/rancher")


KUBE_CASES = (
    Case("read/k3s-admin", "none", read_none, hosts=("pi",)),
    Case("read/k3s-admin", "there", read_there, hosts=("pi",)),
)
