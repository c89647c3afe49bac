"""do/marker where the marker cannot be written: the reason is found out, whatever the shell says of it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest

from tests.rows import assert_explained
from tests.transport.sshd import Client, Sshd
from wizard.core.errors import ExitCode, RemoteError

MARKER = {"name": "home", "lineage": "11111111-2222-3333-4444-555555555555", "serial": "1"}

FULL = "mount -t tmpfs -o size=64k tmpfs $d && head -c 65536 /dev/zero >$d/filler"
NO_INODE = "mount -t tmpfs -o nr_inodes=1 tmpfs $d"
READ_ONLY = "mount -t tmpfs -o ro tmpfs $d"


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        (FULL, "no room left on /var/lib/wizard: 0 KiB free"),
        (NO_INODE, "no room left on /var/lib/wizard: no inode free"),
        (READ_ONLY, "cannot write /var/lib/wizard/marker: .*Read-only file system"),
    ],
    ids=["full", "no-inode", "read-only"],
)
def test_row_c49_marker_that_cannot_be_written(
    client: Client, make_server: Callable[..., Sshd], trouble: str, why: str
) -> None:
    server = make_server().start()
    assert server.process is not None
    script = f"d=/var/lib/wizard; mkdir -p $d && {trouble}"
    subprocess.run(["nsenter", "-m", "-t", str(server.process.pid), "sh", "-c", script], check=True)
    with pytest.raises(RemoteError) as caught:
        client.host(server).do("do/marker", MARKER, op="marker.1", timeout=20)
    assert_explained(caught.value, exit_code=ExitCode.FAILED, says=["failed at do/marker", "exit code 1"])
    assert re.search(why, caught.value.why), caught.value.why
    assert not server.inside("/var/lib/wizard/marker").exists()
    assert not server.inside("/var/lib/wizard/marker.new").exists()
