"""The lab's own Helm charts, packed as helm packs them, and the manifests of its equipment."""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
from importlib.resources import files
from importlib.resources.abc import Traversable

import yaml

from wizard.core.resources import asset_text
from wizard.lab import image_archive

FOLDER = "lab/helm"
"""Where charts lie under `assets/`, a folder each."""

_TRAEFIK_VALUES = """\
deployment:
  podAnnotations:
    prometheus.io/port: "8082"
    prometheus.io/scrape: "true"
priorityClassName: "system-cluster-critical"
tolerations:
- key: "CriticalAddonsOnly"
  operator: "Exists"
- key: "node-role.kubernetes.io/control-plane"
  operator: "Exists"
  effect: "NoSchedule"
service:
  ipFamilyPolicy: "PreferDualStack"
"""
"""What K3s sets for Traefik (domain.md 1.3): packaged add-ons run on servers too."""


def packed(name: str, folder: Traversable | None = None) -> bytes:
    """A chart as a .tgz; the same files give the same bytes.

    Args:
        name: of the chart.
        folder: where its files lie; None = the lab's own chart of that name.
    """
    made = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=made, mode="wb", filename="", mtime=0) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path, content in sorted(_walk(folder or files("assets").joinpath(f"{FOLDER}/{name}"), "")):
            image_archive.add_file(tar, f"{name}/{path}", content)
    return made.getvalue()


def _walk(place: Traversable, before: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in place.iterdir():
        path = f"{before}{entry.name}"
        found += _walk(entry, f"{path}/") if entry.is_dir() else [(path, entry.read_bytes())]
    return found


def helm_chart(name: str, namespace: str, chart: bytes, **spec: object) -> dict[str, object]:
    """A HelmChart that carries its chart.

    Args:
        name: of the release.
        namespace: the HelmChart's own, and the release's unless `targetNamespace` is given.
        chart: as `packed` gives it.
        spec: further fields of its spec.
    """
    return {
        "apiVersion": "helm.cattle.io/v1",
        "kind": "HelmChart",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"chartContent": base64.b64encode(chart).decode(), **spec},
    }


def metallb_manifest(namespace: str = "metallb-system") -> dict[str, object]:
    """MetalLB's own programs by the lab's chart.

    Args:
        namespace: of the release, which is made where it is missing.
    """
    more = {"targetNamespace": namespace, "createNamespace": True}
    return helm_chart("metallb", "kube-system", packed("metallb"), **more)


def storage_manifest() -> str:
    """The lab's StorageClass, and the equipment behind it: what makes volumes, and what lets pods of dead nodes go."""
    return asset_text("lab/manifests/storage.yaml")


def traefik_manifest() -> str:
    """What lies as traefik.yaml in a server's manifests, with the lab's chart in Traefik's place."""
    chart = helm_chart("traefik", "kube-system", packed("traefik"), valuesContent=_TRAEFIK_VALUES)
    return str(yaml.safe_dump(chart, sort_keys=False))
