"""Writes assets/packages-debian13.yaml anew: every package guests may need, as Debian's signed index has it.

Usage: pin_packages.py [MIRROR]

apt does the work, in a folder of its own with an empty list of installed packages, so it runs on any Debian or Ubuntu
without root and leaves the machine as it is: it fetches the index of each architecture, checks its signature, takes the
guest's root of assets/lab/packages/guest.txt for installed, and resolves what is missing besides. No package is
downloaded, and every digest is the index's.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml

ASSETS = Path(__file__).parent.parent / "assets"
ARCHES = ("amd64", "arm64")
SUITE = "trixie"
MIRROR = "http://deb.debian.org/debian"
"""What comes from it is signed, so the way there needs no TLS."""

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SNAPSHOT = "https://snapshot.debian.org/archive/debian"
"""Keeps every file the archive ever had: a pool forgets a version when the next one comes."""

CONFIG = """\
Dir::State "{root}/state";
Dir::State::status "{root}/status";
Dir::Cache "{root}/cache";
Dir::Etc::sourcelist "{root}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "{arch}";
APT::Architectures {{ "{arch}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
"""

HEAD = """\
# The packages guests may need, with what they need in turn beyond a stock Debian 13 (assets/lab/packages/guest.txt).
# Written by tools/pin_packages.py from Debian's signed package index; change assets/packages.yaml and run it again.
# Every digest is the index's own. The files are fetched from snapshot.debian.org, which keeps them when the archive
# has gone on to newer ones.
schema: 1
"""


@dataclass(frozen=True, slots=True)
class Index:
    """Debian's list of packages for one architecture, asked by apt."""

    root: Path
    arch: str

    @classmethod
    def fetched(cls, root: Path, arch: str, mirror: str) -> Index:
        """Fetch it into a folder of its own."""
        for folder in ("state/lists/partial", "cache/archives/partial"):
            (root / folder).mkdir(parents=True)
        (root / "status").touch()
        (root / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror} {SUITE} main\n")
        (root / "apt.conf").write_text(CONFIG.format(root=root, arch=arch))
        index = cls(root, arch)
        index.ask("apt-get", "-qq", "update")
        return index

    def ask(self, *command: str) -> str:
        """What apt says.

        Raises:
            SystemExit: it failed; its words are shown.
        """
        environment = {**os.environ, "APT_CONFIG": str(self.root / "apt.conf"), "LC_ALL": "C"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.stderr or done.stdout}")
        return done.stdout

    def resolved(self, names: Sequence[str]) -> list[str]:
        """The packages that would be installed for these, in apt's order."""
        said = self.ask("apt-get", "-s", "install", *names)
        return re.findall(r"^Inst (\S+)", said, re.MULTILINE)

    def assume(self, names: Sequence[str]) -> None:
        """Take packages for installed."""
        stanzas = self.ask("apt-cache", "show", "--no-all-versions", *names).strip().split("\n\n")
        installed = (stanza.replace("\n", "\nStatus: install ok installed\n", 1) for stanza in stanzas)
        (self.root / "status").write_text("\n\n".join(installed) + "\n")

    def essential(self) -> list[str]:
        """What no Debian is without."""
        stanzas = self.ask("apt-cache", "dumpavail").split("\n\n")
        return [_field(one, "Package") for one in stanzas if _field(one, "Essential") == "yes"]

    def pins(self, names: Sequence[str]) -> list[dict[str, str | int]]:
        """Packages as the index has them, by name."""
        stanzas = self.ask("apt-cache", "show", "--no-all-versions", *names).strip().split("\n\n")
        return sorted((_pin(stanza) for stanza in stanzas), key=lambda pin: str(pin["name"]))

    def release(self) -> tuple[str, str]:
        """Version of the release, and when the index was made."""
        text = next((self.root / "state" / "lists").glob("*InRelease")).read_text()
        return _field(text, "Version"), _field(text, "Date")


def _pin(stanza: str) -> dict[str, str | int]:
    return {
        "name": _field(stanza, "Package"),
        "version": _field(stanza, "Version"),
        "size": int(_field(stanza, "Size")),
        "installed": int(_field(stanza, "Installed-Size")),
        "path": _field(stanza, "Filename"),
        "sha256": _field(stanza, "SHA256"),
    }


def _field(stanza: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*)$", stanza, re.MULTILINE)
    return found[1].strip() if found else ""


def main(mirror: str = MIRROR) -> int:
    """Write the file; returns the exit code."""
    wanted = yaml.safe_load((ASSETS / "packages.yaml").read_text())
    roots = sorted(
        {name for names in (*wanted["roles"].values(), wanted["virtual"], wanted["etcd"]) for name in names}
    )
    lines = (ASSETS / "lab/packages/guest.txt").read_text().splitlines()
    stock = [line for line in lines if line and not line.startswith("#")]
    with tempfile.TemporaryDirectory(prefix="pin-packages.") as scratch:
        indexes = [Index.fetched(Path(scratch, arch), arch, mirror) for arch in ARCHES]
        for index in indexes:
            index.assume(index.resolved(["apt", *index.essential(), *stock]))
        (ASSETS / "packages-debian13.yaml").write_text("".join(_text(indexes, roots)))
    return 0


def _text(indexes: Sequence[Index], roots: Sequence[str]) -> Iterator[str]:
    version, made = indexes[0].release()
    today = datetime.now(UTC).date()
    found = {(index.arch, root): index.resolved([root]) for index in indexes for root in roots}
    yield HEAD
    yield f"source: Debian {version} ({SUITE}), package index of {made}, read on {today}\n"
    yield f"snapshot: {SNAPSHOT}/{today:%Y%m%d}T000000Z/\n"
    yield "needs: # in the order of their installation\n"
    for root in roots:
        names = dict.fromkeys(name for index in indexes for name in found[index.arch, root])
        yield f"  {root}: [{', '.join(names)}]\n"
    yield "packages:\n"
    for index in indexes:
        yield f"  {index.arch}:\n"
        for pin in index.pins(sorted({name for root in roots for name in found[index.arch, root]})):
            flow = yaml.safe_dump(pin, default_flow_style=True, sort_keys=False, width=10_000)
            yield f"    - {flow}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
