"""The lab's charts: packed the same each time, and under the names by which the product configures Traefik."""

from __future__ import annotations

import base64
import io
import tarfile
from pathlib import Path

import yaml

from wizard.core.spec import parse_spec
from wizard.lab import charts, containers, spec
from wizard.lab.container_images import APPS, CLUSTER, METALLB
from wizard.lab.store import Store


def test_a_chart_is_packed_as_helm_packs_it_and_always_the_same() -> None:
    first = charts.packed("traefik")
    assert first == charts.packed("traefik")
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        names = tar.getnames()
    assert "traefik/Chart.yaml" in names and "traefik/templates/deployment.yaml" in names


def test_metallbs_chart_asks_for_the_images_that_are_built() -> None:
    with tarfile.open(fileobj=io.BytesIO(charts.packed("metallb"))) as tar:
        described, values = (
            yaml.safe_load(tar.extractfile(f"metallb/{name}") or b"")
            for name in ("Chart.yaml", "values.yaml")
        )
    asked = {
        f"{values[part]['image']['repository']}:{described['appVersion']}"
        for part in ("controller", "speaker")
    }
    assert asked == {image.name for image in METALLB}


def test_the_labs_storage_class_is_the_one_of_its_spec_and_its_volumes_lie_where_guests_share_a_folder(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path, subnet="10.9.8.0/24")
    wanted, problems = parse_spec(spec.spec(store, kubernetes=True), source="lab")
    assert wanted is not None, problems
    things = {one["kind"]: one for one in yaml.safe_load_all(charts.storage_manifest())}
    assert things["StorageClass"]["metadata"]["name"] == wanted.storage.storage_class
    pod = things["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] in {image.name for image in APPS}
    assert container["env"] == [{"name": "STORAGE_ROOT", "value": containers.SHARED}]
    assert pod["volumes"][0]["hostPath"]["path"] == containers.SHARED


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
