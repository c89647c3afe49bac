"""What a spec needs, told without asking a host; that an install asks for nothing else: tests/practice/test_needs.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steps.needed_files import needed_by
from wizard.artifacts.catalog import ARCHES, load_catalog
from wizard.core.artifact import Need
from wizard.core.spec import ClusterSpec, example_text, parse_spec


@pytest.fixture
def example() -> ClusterSpec:
    found, problems = parse_spec(example_text(), source="cluster.yaml")
    assert found is not None and problems == ()
    return found


def names(spec: ClusterSpec) -> set[str]:
    return {need.name for need in needed_by(spec, ("amd64",))}


def test_everything_the_example_needs_is_in_the_catalog_for_both_architectures(example: ClusterSpec) -> None:
    needs = needed_by(example, ARCHES)
    assert len(set(needs)) == len(needs)
    catalog = load_catalog()
    missing = [need for need in needs if catalog.find(need.name, need.arch, need.version) is None]
    assert missing == []
    assert {"debian-cloud-image", "etcd", "k3s", "k3s-airgap-images", "deb-keepalived"} <= names(example)


def test_what_the_spec_leaves_out_is_not_fetched(example: ClusterSpec) -> None:
    without = replace(example, k3s=replace(example.k3s, enabled=False))
    assert names(example) - names(without) == {"k3s", "k3s-airgap-images"}
    debian = replace(example, etcd=replace(example.etcd, version="3.5.16"))
    assert "etcd" not in names(debian)
    assert "deb-etcd-server" in names(debian) - names(example)
    workers = replace(
        example, machines=tuple(one for one in example.machines if one.role == "worker"), propose=False
    )
    assert "deb-keepalived" not in names(workers)


def test_where_machines_are_proposed_every_kind_of_them_is_reckoned_with(example: ClusterSpec) -> None:
    proposed = replace(example, machines=(), propose=True)
    assert names(proposed) >= {"deb-keepalived", "deb-open-iscsi", "deb-qemu-guest-agent"}


def test_versions_are_those_of_the_spec(example: ClusterSpec) -> None:
    newer = replace(example, k3s=replace(example.k3s, version="v1.37.1+k3s1"))
    assert Need("k3s", "arm64", "v1.37.1+k3s1") in needed_by(newer, ARCHES)
