"""The two clusters of the lab's Kubernetes: a small one of three machines, and six nodes on guests of the wizard's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import Lab, talk
from tests.lab.kubernetes.conformance_machines import CONFIG, DATA, Cluster, machines
from tests.lab.kubernetes.nodes import Kubernetes, resident, with_apps
from tests.lab.story.world import tell
from wizard.lab import artifacts, container_images, etcd, k3s, kubernetes, lifecycle

POD_IMAGES = ("mirrored-pause", "probe")


@pytest.fixture(scope="module")
def pod_images() -> list[Path]:
    """Archives of what a pod here needs, as plain tars."""
    every = (*container_images.CLUSTER, *container_images.APPS)
    wanted = [image for image in every if image.short in POD_IMAGES]
    return [artifacts.make(container_images.recipe(image), talk) for image in wanted]


@pytest.fixture(scope="module")
def blank(pod_images: list[Path]) -> Iterator[Cluster]:
    """Machines with etcd, where K3s was not started yet."""
    binary = artifacts.make(k3s.recipe(), talk)
    with machines(binary, artifacts.make(etcd.recipe(), talk)) as cluster:
        for node in cluster.machines.values():
            for image in pod_images:
                node.put(f"{DATA}/agent/images/{image.name}", image.read_bytes())
        yield cluster


@pytest.fixture(scope="module")
def cluster(blank: Cluster) -> Cluster:
    """Everything started once: two servers one after the other, and an agent that joined through the first."""
    began = time.monotonic()
    one, two, three = (blank[name] for name in ("one", "two", "three"))
    for node in (one, two):
        node.put(CONFIG, blank.server_config(node.name), 0o600)
    three.put(CONFIG, blank.agent_config("three", "one"), 0o600)
    one.start("k3s")
    two.start("k3s")
    three.start("k3s-agent")
    one.waits("test $(k3s kubectl get nodes --no-headers | grep -c ' Ready ') = 3", 120, "three nodes Ready")
    talk(f"conformance: three nodes Ready {time.monotonic() - began:.0f} s after the first start")
    return blank


@pytest.fixture(scope="package")
def six_nodes(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubernetes]:
    """Six nodes on eight guests by the real command; the lab is left bare."""
    with lab.store.locked():
        lifecycle.build(lab.store, talk, kubernetes=True, apps=True)
    built = {recipe.name: recipe.place for recipe in kubernetes.recipes()}
    site = resident(lab, tmp_path_factory.mktemp("kubernetes") / "operator")
    place = site.operator.home / "cluster.yaml"
    # K3s brings its Traefik, in whose place the lab has its own, only where the spec has it among the apps.
    place.write_text(with_apps(place.read_text(), "metallb", "traefik"))
    site.settle()
    site.wipe()
    tell("what runs as k3s: the lab's stand-in, built here; its origin in artifacts.lock is `built`")
    tell("what stands for Longhorn: one directory shared by all guests, and what lets pods of dead nodes go")
    made = Kubernetes(site, tuple(built[name] for name in ("metallb-images", "lab-app-images")))
    try:
        made.install()
        yield made
    finally:
        lab.mend_all()
        made.remove()
        site.wipe()
