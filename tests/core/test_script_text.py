"""Remote scripts and the functions they use."""

from __future__ import annotations

import pytest

from wizard.core.host import USES, script_text
from wizard.core.resources import asset_names, asset_text

USERS = [
    f"{folder}/{name}"
    for folder in ("read", "do")
    for name in asset_names(f"remote/{folder}", ".sh")
    if USES.search(asset_text(f"remote/{folder}/{name}.sh"))
]


@pytest.mark.parametrize("script", USERS)
def test_what_a_script_uses_stands_before_it(script: str) -> None:
    own = asset_text(f"remote/{script}.sh")
    used = [asset_text(f"remote/{name}.sh") for name in USES.findall(own)]
    assert script_text(script) == "".join([*used, own])
    assert all(used)


def test_files_are_received_in_one_way() -> None:
    assert {
        "do/etcd-configure",
        "do/timer",
        "do/backup-store",
        "do/k3s-configure",
        "do/keepalived-configure",
    } <= set(USERS)
    assert "receive() {" not in "".join(asset_text(f"remote/{script}.sh") for script in USERS)


def test_a_script_that_uses_nothing_is_sent_as_it_is() -> None:
    assert script_text("read/facts") == asset_text("remote/read/facts.sh")
