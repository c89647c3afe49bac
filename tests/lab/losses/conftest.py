"""Two servers and an agent on guests of the lab, by the real command; the lab is left bare."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.cluster.site import Site
from tests.lab.conftest import Lab, talk
from tests.lab.kubernetes.nodes import APPLY_SECONDS, LEFT_OUT, Kubernetes, resident
from tests.lab.story.world import tell
from wizard.lab import lifecycle


@pytest.fixture(scope="package")
def small_cluster(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubernetes]:
    """Server-a, server-b and worker-a on three members of etcd."""
    with lab.store.locked():
        lifecycle.build(lab.store, talk, kubernetes=True)
    site = resident(lab, tmp_path_factory.mktemp("losses") / "operator", without=LEFT_OUT)
    site.settle()
    site.wipe()
    try:
        yield installed(site)
    finally:
        lab.mend_all()
        site.wipe()


def installed(site: Site) -> Kubernetes:
    """The cluster; where a machine is very busy K3s may begin anew just when it is looked at: a second apply goes on."""
    words = ("apply", "--plain", "--yes")
    done = site.operator.run(*words, timeout=APPLY_SECONDS)
    if done.exit_code != 0:
        tell(f"the first apply ended with {done.exit_code}\n{done.stderr}")
        done = site.operator.run(*words, code=0, timeout=APPLY_SECONDS)
    tell(f"five guests, etcd and three nodes after {done.seconds:.0f} s")
    return Kubernetes(site, ())
