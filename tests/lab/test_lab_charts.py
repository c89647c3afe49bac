"""The lab's charts: packed the same each time, and under the names by which the product configures Traefik."""

from __future__ import annotations

import base64
import io
import tarfile

import yaml

from wizard.lab import charts
from wizard.lab.container_images import CLUSTER


def test_a_chart_is_packed_as_helm_packs_it_and_always_the_same() -> None:
    first = charts.packed("traefik")
    assert first == charts.packed("traefik")
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        names = tar.getnames()
    assert "traefik/Chart.yaml" in names and "traefik/templates/deployment.yaml" in names


def test_traefiks_manifest_carries_the_chart_under_k3s_names() -> None:
    manifest = yaml.safe_load(charts.traefik_manifest())
    assert (manifest["kind"], manifest["metadata"]) == (
        "HelmChart",
        {"name": "traefik", "namespace": "kube-system"},
    )
    assert base64.b64decode(manifest["spec"]["chartContent"]) == charts.packed("traefik")
    tolerated = yaml.safe_load(manifest["spec"]["valuesContent"])["tolerations"]
    assert {"node-role.kubernetes.io/control-plane", "CriticalAddonsOnly"} == {
        one["key"] for one in tolerated
    }


def test_the_chart_asks_for_the_image_that_is_built() -> None:
    with tarfile.open(fileobj=io.BytesIO(charts.packed("traefik"))) as tar:
        described, values = (
            yaml.safe_load(tar.extractfile(f"traefik/{name}") or b"")
            for name in ("Chart.yaml", "values.yaml")
        )
    image = values["image"]
    name = f"{image['registry']}/{image['repository']}:{described['appVersion'].removeprefix('v')}"
    assert name in {image.name for image in CLUSTER}
