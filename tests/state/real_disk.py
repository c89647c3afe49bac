"""Saves on a small disk that is really full, then really read-only; run inside a mount namespace of its own."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.state.samples import fresh, sample_state, saved, told
from wizard.core.errors import StateError
from wizard.core.home import ClusterHome


def main(folder: Path) -> None:
    """Mount, save, fill up, save, free, lock, save; then read-only."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=True)
    home = ClusterHome(folder / "home")
    saved(home, sample_state(serial=1), sample_state(serial=2))
    store = fresh(home)
    assert store.load() is not None
    filler = folder / "filler"
    with store.lock():
        fill(filler)
        refused(lambda: store.save(sample_state(serial=3)), "ENOSPC", " 0 bytes free", f"df -h {home.folder}")
        assert fresh(home).load() == sample_state(serial=2)
        filler.unlink()
        store.save(sample_state(serial=3))
        assert fresh(home).load() == sample_state(serial=3)
    fill(filler)
    refused(lambda: saved(home), "ENOSPC", " 0 bytes free")
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    refused(lambda: saved(home), "EROFS", "bytes free", f"findmnt -T {home.folder}")
    assert fresh(home).load() == sample_state(serial=3)
    sys.stdout.write("held\n")


def refused(work: Callable[[], object], *parts: str) -> None:
    """Assert that it raises, with these words."""
    try:
        work()
    except StateError as error:
        told(error, *parts)
    else:
        raise AssertionError("it was not refused")


def fill(path: Path) -> None:
    """Take every byte that is left."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x")
                file.write(b"x" * 4095)
        except OSError as error:
            assert error.errno == errno.ENOSPC


if __name__ == "__main__":
    main(Path(sys.argv[1]))
