"""`wizard setup --plain` with a file of answers, on the lab's hosts: from nothing to a homelab that doctor finds well."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.lab.cluster.site import INSTALL_SECONDS, Site
from tests.lab.screens.conftest import assert_well
from tests.lab.story.operators import Operator
from tests.lab.story.world import tell

pytestmark = pytest.mark.lab

NEEDED = ("etcd", "server")
"""Roles of the guests that are answered: the fewest that are of use, since it is the questions that are tested.

No worker is among them, and doctor warns that the recommended apps would find no place.
"""

SECTIONS = ("name", "ssh", "k3s", "artifacts")
"""What is answered as a part of the lab's spec; the hosts are answered place by place, and the rest is recommended."""


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """A person with a file of answers and nothing else: no spec, and no host is trusted."""
    (tmp_path / "operator").mkdir()
    return Operator(tmp_path / "operator")


def answers(site: Site) -> dict[str, object]:
    """What somebody would write who knows their hosts."""
    whole = yaml.safe_load(site.lab.spec_text())
    given: dict[str, object] = {section: whole[section] for section in SECTIONS}
    given["machines"] = [one for one in whole["machines"] if one["role"] in NEEDED]
    given |= {"storage.kind": "none", "network.domain": "lab.home.arpa", "witness.accept_slow": True}
    for number, host in enumerate(whole["hosts"]):
        for key in ("name", "role", "address", "user", "guests", "vm_dir", "etcd_dir"):
            if key in host:
                given[f"hosts[{number}].{key}"] = host[key]
    return given


def test_a_file_of_answers_is_all_it_takes(site: Site, operator: Operator) -> None:
    (operator.home / "answers.yaml").write_text(yaml.safe_dump(answers(site), sort_keys=False))
    words = ("setup", "--plain", "--auto", "--answers", "answers.yaml", *site.lab.host_key_options)
    done = operator.run(*words, code=0, timeout=INSTALL_SECONDS)
    assert "nothing destroyed" in done.stderr
    tell(
        f"from a file of answers to a homelab with {len(site.spec.etcd_members())} members: {done.seconds:.0f} s"
    )
    assert_well(site, operator, done.stdout, "layout.survivor")
