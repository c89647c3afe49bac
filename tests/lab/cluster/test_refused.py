"""What is not ours is left alone: a guest of a name we want, and data of another etcd on the witness."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.cluster.conftest import Cluster
from tests.rows import assert_explained
from wizard.core.errors import ExitCode

pytestmark = pytest.mark.lab

FOREIGN = """<domain type='lxc'><name>worker-a</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type>exe</type><init>/bin/sleep</init></os><description>somebody else's</description></domain>
"""

MACHINE = "  - {name: worker-a, host: tower-a, role: worker, address: %s, cpus: 1, memory: 512M, disk: 4G}\n"


@pytest.fixture
def claimed(cluster: Cluster) -> Iterator[Path]:
    """Somebody has a guest of the name that the spec wants next; its folder is full of their files."""
    spec = cluster.operator.home / "cluster.yaml"
    before = spec.read_text()
    address = cluster.address("etcd-a").rsplit(".", 1)[0] + ".61"
    spec.write_text(before.replace("storage: {kind", MACHINE % address + "storage: {kind", 1))
    cluster.inside("tower-a", "tee", "/var/tmp/foreign.xml", given=FOREIGN.encode())
    cluster.virsh("tower-a", "define", "/var/tmp/foreign.xml")
    cluster.shell("tower-a", "mkdir /mnt/vm/worker-a && echo theirs >/mnt/vm/worker-a/disk.img")
    yield spec
    spec.write_text(before)
    cluster.virsh("tower-a", "undefine", "worker-a")
    cluster.shell("tower-a", "rm -rf /mnt/vm/worker-a /var/tmp/foreign.xml")


def theirs(cluster: Cluster) -> str:
    """The foreign guest as it is."""
    look = "find /mnt/vm/worker-a -printf '%p %m %u %s %T@ %C@\\n'; cat /mnt/vm/worker-a/*; virsh -c lxc:/// list --all"
    return cluster.virsh("tower-a", "dumpxml", "worker-a") + cluster.shell("tower-a", look)


@pytest.mark.usefixtures("claimed")
def test_a_foreign_guest_of_our_name_is_refused_and_untouched(cluster: Cluster) -> None:
    before = theirs(cluster)
    done = cluster.operator.apply(code=None)
    assert_explained(
        done,
        exit_code=ExitCode.FAILED,
        says=("worker-a", "tower-a"),
        do="another name",
        unchanged=lambda: theirs(cluster),
        before=before,
    )


SWAP = """
set -e
systemctl stop etcd.service
cd "$1"
mv data data.ours
mv wizard wizard.ours
umask 077
mkdir data
chown etcd:etcd data
setpriv --reuid=etcd --regid=etcd --clear-groups timeout 20 /usr/local/bin/etcd --name theirs --data-dir "$1/data" \
    --listen-client-urls http://127.0.0.1:22379 --advertise-client-urls http://127.0.0.1:22379 \
    --listen-peer-urls http://127.0.0.1:22380 --initial-advertise-peer-urls http://127.0.0.1:22380 \
    --initial-cluster theirs=http://127.0.0.1:22380 --listen-metrics-urls '' >/dev/null 2>&1 &
for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    ! /usr/local/bin/etcdctl --endpoints=http://127.0.0.1:22379 put theirs precious >/dev/null 2>&1 || break
    sleep 1
done
kill %1 2>/dev/null || kill $!
wait || true
test -d data/member
"""

BACK = """
set -e
cd "$1"
rm -rf data wizard
mv data.ours data
mv wizard.ours wizard
systemctl start etcd.service
"""


@pytest.fixture
def other_data(cluster: Cluster) -> Iterator[str]:
    """Where the witness's member lies there is another cluster's member, with a key in it."""
    folder = cluster.etcd_dir
    cluster.inside("pi", "/bin/sh", "-s", folder, given=SWAP.encode())
    yield f"{folder}/data"
    cluster.inside("pi", "/bin/sh", "-s", folder, given=BACK.encode())


def test_data_of_another_cluster_on_the_witness_is_never_wiped(cluster: Cluster, other_data: str) -> None:
    look = (
        f"cd {other_data} && find . -printf '%p %m %U %s %T@ %C@\\n' && find . -type f -exec sha256sum {{}} +"
    )
    before = cluster.shell("pi", look)
    done = cluster.operator.apply(code=None)
    parts = assert_explained(
        done,
        exit_code=ExitCode.FAILED,
        says=("pi", other_data),
        unchanged=lambda: cluster.shell("pi", look),
        before=before,
    )
    assert "rm " not in parts["do"] or "mv" in parts["do"], "the remedy throws away somebody's data"
    code, document = cluster.doctor()
    assert code == 1, document["root_causes"]
    assert "pi" in [item["host"] for item in document["findings"] if item["status"] == "fail"]
