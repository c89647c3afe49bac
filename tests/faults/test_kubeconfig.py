"""Row 78 of the fault list as far as it is about kubeconfigs: one of an authority that rules no more; and row 10."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
import yaml

from tests.faults.cluster_site import ClusterSite
from tests.practice.k3s_by_hand import lay, start
from tests.rows import assert_explained, assert_tolerated, folder_digest
from wizard.core.errors import ExitCode
from wizard.core.kubeconfig import api_url, read_admin
from wizard.core.kubeconfig_files import put_kubeconfig
from wizard.core.secret import Secret
from wizard.core.store.secrets import FileSecrets
from wizard.practice.kube_admin import kubeconfig

BEFORE = read_admin(kubeconfig("the cluster that was here before"))


@pytest.fixture
def clustered(grown: ClusterSite) -> ClusterSite:
    """A homelab with K3s on a server."""
    grown.applied()
    grown.cluster.secrets = FileSecrets(grown.folder.secrets)
    start(lay(grown.cluster, "server-a"))
    return grown


def ours(site: ClusterSite) -> Path:
    return site.home / ".kube" / "config"


def current(site: ClusterSite) -> str:
    """The fingerprint of the cluster's authority."""
    file = site.cluster.machines["server-a"].files["/etc/rancher/k3s/k3s.yaml"]
    return read_admin(file.content.decode()).fingerprint


def server(site: ClusterSite) -> str:
    return api_url(site.cluster.spec.network.api_vip)


@contextmanager
def no_room(folder: Path) -> Iterator[None]:
    """Nothing more can be written into a folder: of the disk's calls, the one that makes a file fails there."""
    real = os.open

    def opens(path: str | os.PathLike[str], flags: int, *args: int, **more: int) -> int:
        if flags & os.O_CREAT and Path(path).parent == folder:
            raise OSError(28, "No space left on device")
        return real(path, flags, *args, **more)

    with patch.object(os, "open", opens):
        yield


@pytest.mark.row("F", 78)
def test_row_f78_a_kubeconfig_of_the_authority_before_is_noticed_said_and_replaced(
    clustered: ClusterSite,
) -> None:
    put_kubeconfig((ours(clustered),), BEFORE, server(clustered), "loop")
    run = clustered.run("kubeconfig")
    now = current(clustered)
    assert_tolerated(run, shows=(f"{BEFORE.fingerprint} before, {now} now", "As it was before: "))
    (entry,) = yaml.safe_load(ours(clustered).read_text())["clusters"]
    assert entry["cluster"]["server"] == server(clustered)
    (backup,) = ours(clustered).parent.glob("config.*.bak")
    assert BEFORE.fingerprint == read_admin(backup.read_text()).fingerprint
    assert read_admin(ours(clustered).read_text()).fingerprint == now


@pytest.mark.row("F", 78)
def test_row_f78_a_kept_kubeconfig_of_the_authority_before_is_fetched_anew(clustered: ClusterSite) -> None:
    FileSecrets(clustered.folder.secrets).put(
        {"k3s/admin": Secret(kubeconfig("the cluster that was here before"))}
    )
    run = clustered.run("kubeconfig", "--print")
    assert_tolerated(run, shows=("another certificate authority", BEFORE.fingerprint, current(clustered)))
    assert read_admin(run.stdout).fingerprint == current(clustered)


@pytest.mark.row("F", 78)
def test_row_f78_another_clusters_entry_is_never_touched(clustered: ClusterSite) -> None:
    put_kubeconfig((ours(clustered),), BEFORE, "https://10.9.9.9:6443", "loop")
    before = folder_digest(ours(clustered).parent)
    assert_explained(
        clustered.run("kubeconfig"),
        exit_code=ExitCode.FAILED,
        says=("loop is at https://10.9.9.9:6443, with another authority",),
        do="wizard kubeconfig --context loop-homelab",
        unchanged=lambda: folder_digest(ours(clustered).parent),
        before=before,
    )


@pytest.mark.row("A", 10)
def test_row_a10_no_room_for_the_kubeconfig_leaves_it_as_it_was(clustered: ClusterSite) -> None:
    put_kubeconfig((ours(clustered),), BEFORE, server(clustered), "loop")
    before = folder_digest(ours(clustered).parent)
    with no_room(ours(clustered).parent):
        run = clustered.run("kubeconfig")
    assert_explained(
        run,
        exit_code=ExitCode.STATE,
        says=("the disk is full", "bytes free"),
        do="df -h",
        unchanged=lambda: folder_digest(ours(clustered).parent),
        before=before,
    )
