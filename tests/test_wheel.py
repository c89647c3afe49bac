"""The installed program: a wheel holds everything it needs and works from any directory."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        ".",
    ]
    subprocess.run(build, cwd=ROOT, check=True, timeout=120)
    (found,) = folder.glob("*.whl")
    with zipfile.ZipFile(found) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(wheel: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": str(wheel), "PYTHONPATH": str(wheel), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-m", "wizard", *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env=env, timeout=60)


def test_it_runs_from_anywhere_with_its_own_assets(wheel: Path, tmp_path: Path) -> None:
    example = run(wheel, "example")
    assert example.returncode == 0, example.stderr
    spec = tmp_path / "cluster.yaml"
    spec.write_text(example.stdout)
    assert run(wheel, "check", "-f", str(spec)).returncode == 0
    listing = run(wheel, "artifacts", "list", "--dir", str(tmp_path / "home"))
    assert "etcd" in listing.stdout, listing.stderr


def test_it_holds_every_asset_and_no_test(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "assets", "wizard", "steps", "screens"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    missing = [name for name in tracked.stdout.split() if not (wheel / name).exists()]
    assert not missing
    assert not (wheel / "tests").exists()
