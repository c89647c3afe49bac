"""Guests and etcd on a real host of the lab, made and broken behind the wizard's back."""

from __future__ import annotations

from pathlib import Path

from tests.lab.conftest import Lab
from tests.recordings.etcd_cases import BASE
from tests.recordings.guest_cases import NAME
from tests.recordings.stage import PLACE

_IMAGE = """
set -e
mkdir -p "$(dirname "$1")"
cd /
files=$(ldd /bin/sleep | awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^\\//) print $i }')
mkdir -p /var/tmp/rec-empty/proc /var/tmp/rec-empty/sys /var/tmp/rec-empty/dev
tar -chf "$1.tar" --hard-dereference $files /bin/sleep -C /var/tmp/rec-empty proc sys dev 2>/dev/null
gzip -c "$1.tar" >"$1"
rm -rf "$1.tar" /var/tmp/rec-empty
"""
"""A root that holds nothing but a program that sleeps."""

_DISK = (
    '[ -f "$1" ] || { mkdir -p "$(dirname "$1")" && qemu-img create -q -f qcow2 "$1" 64M && chmod 644 "$1"; }'
)

_FOREIGN = """
cat >/var/tmp/rec-foreign.xml <<XML
<domain type='lxc'><name>$1</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type>exe</type><init>/bin/sleep</init></os></domain>
XML
virsh -q -c lxc:/// define /var/tmp/rec-foreign.xml
rm /var/tmp/rec-foreign.xml
"""

_PACKAGE = """
set -e
for name in etcd-server etcd-client; do
    mkdir -p "/var/tmp/rec-$name/DEBIAN" "/var/tmp/rec-$name/usr/bin"
    program=etcd
    [ "$name" = etcd-server ] || program=etcdctl
    printf '#!/bin/sh\\necho "etcd Version: %s"\\n' "${1%-*}" >"/var/tmp/rec-$name/usr/bin/$program"
    chmod 755 "/var/tmp/rec-$name/usr/bin/$program"
    printf 'Package: %s\\nVersion: %s\\nArchitecture: all\\nMaintainer: lab <lab@home.arpa>\\nDescription: stand-in\\n' \
        "$name" "$1" >"/var/tmp/rec-$name/DEBIAN/control"
    dpkg-deb -b "/var/tmp/rec-$name" "/var/tmp/rec-$name.deb" >/dev/null
    dpkg -i "/var/tmp/rec-$name.deb" >/dev/null
    rm -rf "/var/tmp/rec-$name" "/var/tmp/rec-$name.deb"
done
"""
"""The distribution's mirror is not to be had here: packages of its names and version take their place."""

_SETTLE = """
left=600
until [ "$(systemctl show -p ActiveState --value etcd.service)" = active ]; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || exit 1
    sleep 0.1
done
"""

_CLEAR_GUESTS = """
for uri in lxc:/// qemu:///system; do
    virsh -q -c "$uri" destroy "$1" 2>/dev/null
    virsh -q -c "$uri" undefine "$1" 2>/dev/null
done
rm -rf "$2"
true
"""

_CLEAR_ETCD = """
systemctl disable --now etcd.service 2>/dev/null
rm -rf "$1" /etc/etcd /etc/systemd/system/etcd.service /run/etcd /opt/etcd-* /usr/local/bin/.etcd-new
systemctl daemon-reload
systemctl reset-failed 2>/dev/null
[ ! -e /var/lib/dpkg/info/etcd-server.list ] || set -- "$1" yes
if [ "$2" = yes ]; then
    dpkg --purge etcd-server etcd-client >/dev/null 2>&1
    rm -f /usr/local/bin/etcd /usr/local/bin/etcdctl /usr/local/bin/etcdutl
    userdel etcd 2>/dev/null
fi
true
"""


class Workshop:
    """The part of a lab's host that is about guests and etcd."""

    lab: Lab
    name: str

    def _shell(self, text: str, *args: str) -> None:
        self.lab.inside(self.name, "sh", "-c", text, "sh", *args)

    def base_image(self, path: str) -> None:
        """The smallest root that starts."""
        if self.lab.try_inside(self.name, "test", "-f", path):
            self._shell(_IMAGE, path)

    def base_disk(self, path: str) -> None:
        """An empty disk: the machine starts, and finds nothing to boot."""
        self._shell(_DISK, path)

    def foreign_guest(self, name: str) -> None:
        """Defined by hand."""
        self._shell(_FOREIGN, name)

    def power_off(self, name: str) -> None:
        """By libvirt."""
        self.lab.inside(self.name, "virsh", "-q", "-c", "lxc:///", "destroy", name)

    def archive(self, path: str, version: str) -> None:
        """That of the lab's artifacts."""
        (found,) = Path(self.lab.store.artifacts).glob(f"etcd-v{version}-linux-amd64.tar.gz")
        self.lab.inside(self.name, "tee", path, given=found.read_bytes())

    def package(self, version: str) -> None:
        """A stand-in of its name."""
        self._shell(_PACKAGE, version)

    def settle_etcd(self) -> None:
        """It tells systemd when it is up."""
        self._shell(_SETTLE)

    def clear_guests(self) -> None:
        """Both drivers."""
        self._shell(_CLEAR_GUESTS, NAME, PLACE)

    def clear_etcd(self, *, programs: bool) -> None:
        """A package goes with the programs."""
        self._shell(_CLEAR_ETCD, BASE, "yes" if programs else "no")
