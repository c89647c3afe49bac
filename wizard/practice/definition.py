"""What a simulated libvirt reads in a guest's definition."""

from __future__ import annotations

import re
from functools import lru_cache
from xml.etree import ElementTree as Tree

LINEAGE = re.compile(r"lineage=['\"]([0-9a-fA-F-]{8,64})['\"]")


class Definition:
    """A definition, taken apart.

    Args:
        text: XML.

    Raises:
        ParseError: it is none.
    """

    def __init__(self, text: str) -> None:
        self._root = Tree.fromstring(text)  # noqa: S314 - made by our own steps
        self.lineage = found[1] if (found := LINEAGE.search(text)) else ""

    @property
    def kind(self) -> str:
        """`kvm`, `qemu` or `lxc`."""
        return self._root.get("type", "")

    @property
    def name(self) -> str:
        """Of the guest."""
        return self._root.findtext("name", "")

    @property
    def uuid(self) -> str:
        """Of the guest; its machine id comes from it."""
        return self._root.findtext("uuid", "")

    @property
    def cpus(self) -> int:
        """Processors."""
        return int(self._root.findtext("vcpu", "1"))

    @property
    def memory(self) -> int:
        """Bytes; without a unit libvirt counts KiB."""
        found = self._root.find("memory")
        if found is None or found.text is None:
            return 0
        return int(found.text) * (1 if found.get("unit") in ("b", "bytes") else 1024)

    @property
    def mac(self) -> str:
        """Of its network card."""
        found = self._root.find("devices/interface/mac")
        return "" if found is None else found.get("address", "")

    @property
    def network(self) -> str:
        """The bridge or card of the host that its own hangs on."""
        found = self._root.find("devices/interface/source")
        return "" if found is None else found.get("bridge") or found.get("dev") or ""

    @property
    def data(self) -> str:
        """The data disk: a file or device of the host, or empty."""
        for disk in self._root.findall("devices/disk"):
            target, source = disk.find("target"), disk.find("source")
            if target is not None and target.get("dev") == "vdb" and source is not None:
                return source.get("file") or source.get("dev") or ""
        return ""

    @property
    def serial(self) -> str:
        """Of the data disk."""
        return self._root.findtext("devices/disk/serial", "")

    @property
    def images(self) -> str:
        """The folder of the images of a container guest's disks."""
        for system in self._root.findall("devices/filesystem"):
            target, source = system.find("target"), system.find("source")
            if target is not None and target.get("dir") != "/" and source is not None:
                return source.get("dir", "")
        return ""


def as_libvirt_prints(text: str) -> str:
    """A definition the way it comes back: with single quotes, memory in KiB.

    Args:
        text: as it was given.
    """
    text = re.sub(
        r'(emory) unit="b">([0-9]+)<', lambda found: f'{found[1]} unit="KiB">{int(found[2]) // 1024}<', text
    )
    return re.sub(r'="([^"\n]*)"', r"='\1'", text)


@lru_cache(maxsize=256)
def read_definition(text: str) -> Definition:
    """A definition, taken apart once however often it is looked at.

    Args:
        text: XML.

    Raises:
        ParseError: it is none.
    """
    return Definition(text)
