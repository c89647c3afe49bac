"""Debian's own etcd, where the spec asks for it: 3.5.16 on all three members, from packages, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.cluster.site import MEMBERS, Site, failing, newcomer
from tests.lab.conftest import Lab
from tests.lab.story.world import tell
from wizard.lab.spec import ETCD_VERSION

pytestmark = pytest.mark.lab

VERSION = "3.5.16"


@pytest.fixture
def debians(lab: Lab, tmp_path: Path) -> Iterator[Site]:
    """Bare hosts, and a person who wants Debian's etcd and no guests for storage."""
    operator = newcomer(lab, tmp_path / "operator", without=("storage",))
    file = operator.home / "cluster.yaml"
    text = file.read_text()
    assert f'version: "{ETCD_VERSION}"' in text
    file.write_text(text.replace(f'version: "{ETCD_VERSION}"', f'version: "{VERSION}"'))
    site = Site(lab, operator)
    site.settle()
    site.wipe()
    yield site
    site.wipe()


def test_three_members_run_debians_etcd_and_take_writes(debians: Site) -> None:
    done = debians.install()
    tell(f"from nothing to three members of etcd {VERSION} from packages: {done.seconds:.0f} s")
    listed = debians.etcdctl("pi", "member", "list")
    assert sorted(line.split(", ")[1:3] for line in listed.splitlines()) == [
        ["started", one] for one in MEMBERS
    ]
    for number, member in enumerate(MEMBERS):
        assert debians.inside(member, "dpkg-query", "-W", "-f", "${Version}", "etcd-server").startswith(
            f"{VERSION}-"
        )
        assert f"etcd Version: {VERSION}" in debians.inside(member, "/usr/local/bin/etcd", "--version")
        assert debians.shell(member, "readlink -f /proc/$(pidof etcd)/exe") == "/usr/bin/etcd\n"
        assert (
            debians.shell(member, "systemctl show -p FragmentPath --value etcd")
            == "/etc/systemd/system/etcd.service\n"
        )
        assert debians.shell(member, "ls /var/lib/etcd | grep -x default", ok=False) == "", (
            "one started by itself"
        )
        other = MEMBERS[(number + 1) % len(MEMBERS)]
        debians.etcdctl(member, "put", "/story/key", f"by {member}")
        assert debians.etcdctl(other, "get", "/story/key", "--print-value-only") == f"by {member}\n"
    debians.etcdctl("pi", "del", "/story/key")
    health = debians.etcdctl("etcd-a", "endpoint", "health", "-w", "simple", through=MEMBERS)
    tell(f"etcdctl member list\n{listed}{health}")
    code, document = debians.doctor()
    assert (code, document["verdict"], document["root_causes"]) == (0, "ok", []), failing(document)
    assert "Nothing to do" in debians.operator.run("plan", code=0).stdout
