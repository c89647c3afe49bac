"""Guests and etcd on a real host of the lab, made and broken behind the wizard's back."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.lab.conftest import Lab
from tests.recordings.etcd_cases import BASE
from tests.recordings.guest_cases import NAME
from tests.recordings.stage import PLACE
from wizard.core.packages import load_packages
from wizard.core.resources import asset_text
from wizard.lab import machine

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
"""What the package brings of programs, without the 17 MB."""

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
systemctl disable --now etcd.service wizard-etcd-leader.timer 2>/dev/null
rm -f /etc/systemd/system/wizard-etcd-leader.* /usr/local/sbin/wizard-etcd-leader
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

_LAN = """
set -e
ip netns add rec
ip link add rec0 type veth peer name rec1 netns rec
ip address add 198.51.100.1/24 dev rec0
ip link set rec0 up
inside() { ip netns exec rec "$@"; }
inside ip link set rec1 up
[ "$1" = inhabited ] || exit 0
inside ip link set rec1 address 02:42:c6:33:64:14
inside ip address add 198.51.100.20/24 dev rec1
inside ip link set lo up
inside dnsmasq --conf-file=/dev/null --port=0 --interface=rec1 --dhcp-range=198.51.100.200,198.51.100.209,2m \\
    --no-ping --leasefile-ro --dhcp-authoritative --user=root --pid-file=/run/rec-dnsmasq.pid
if command -v python3 >/dev/null; then
    cat >/run/rec-vrrp.py
    inside python3 /run/rec-vrrp.py 198.51.100.20 77 100 </dev/null >/dev/null 2>&1 &
fi
"""
"""In a network namespace: nothing of it reaches the lab's bridge."""

_NO_LAN = """
for process in $(ip netns pids rec 2>/dev/null); do kill "$process"; done
ip link delete rec0 2>/dev/null
ip netns delete rec 2>/dev/null
rm -f /run/rec-dnsmasq.pid /run/rec-vrrp.py
true
"""

_UNPACK = 'dpkg --unpack --force-depends "$1" && rm "$1"'

_HOLD = r"""
cat >/var/tmp/rec-hold.pl <<'PERL'
use Fcntl;
open(F, ">>", "/var/lib/dpkg/lock-frontend") or die;
my $whole = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
fcntl(F, F_SETLK, $whole) or die;
$0 = "unattended-upgr";
open(P, ">", "/run/rec-hold.pid") or die;
print P $$;
close(P);
sleep 60;
PERL
setsid perl /var/tmp/rec-hold.pl </dev/null >/dev/null 2>&1 &
until [ -s /run/rec-hold.pid ]; do sleep 0.1; done
"""

_LET_GO = 'kill "$(cat /run/rec-hold.pid)"; rm -f /run/rec-hold.pid /var/tmp/rec-hold.pl'

_CLEAR_PACKAGES = """
command -v dpkg >/dev/null || exit 0
dpkg --purge keyutils >/dev/null 2>&1
rm -rf /var/cache/wizard-packages /opt/wizard-packages.tar /var/lib/wizard/packages.unfinished
true
"""

_KEEPALIVED = """
set -e
mkdir -p /var/tmp/rec-keepalived
cd /var/tmp/rec-keepalived
tar -xf -
new=
for file in *.deb; do
    name=$(dpkg-deb -f "$file" Package)
    if dpkg-query -W "$name" >/dev/null 2>&1; then rm "$file"; else new="$new $name"; fi
done
ln -sfn /dev/null /etc/systemd/system/keepalived.service
dpkg -i ./*.deb >/dev/null
echo "$new" >/var/tmp/rec-keepalived.new
cd /
rm -r /etc/systemd/system/keepalived.service /var/tmp/rec-keepalived
systemctl daemon-reload
systemctl disable --quiet --now keepalived.service
"""

_ADDRESS = """
left=300
until journalctl -b "_SYSTEMD_INVOCATION_ID=$(systemctl show -p InvocationID --value keepalived)" -o cat |
    grep -Eq 'Entering MASTER STATE|VRRP_Script.* failed'; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || exit 1
    sleep 0.1
done
"""

_CLEAR_KEEPALIVED = """
if [ -e /var/lib/dpkg/info/keepalived.list ]; then
    systemctl disable --quiet --now keepalived.service
    rm -rf /etc/keepalived/keepalived.conf /etc/systemd/system/keepalived.service.d /etc/homelab/api-ready
    if [ "$1" = yes ]; then
        dpkg --purge $(cat /var/tmp/rec-keepalived.new) >/dev/null 2>&1
        rm /var/tmp/rec-keepalived.new
    fi
    systemctl daemon-reload
fi
rmdir /etc/homelab 2>/dev/null
true
"""

_AWAY = 'for tool in "$@"; do place=$(command -v "$tool") && mv "$place" "$place.away"; done; true'
_BACK = """
for tool in "$@"; do
    for folder in /usr/sbin /usr/bin /sbin /bin; do
        if [ -e "$folder/$tool.away" ]; then mv "$folder/$tool.away" "$folder/$tool"; fi
    done
done
"""


class Workshop:
    """The part of a lab's host that is about guests and etcd."""

    lab: Lab
    name: str

    def _shell(self, text: str, *args: str) -> None:
        self.lab.inside(self.name, "sh", "-c", text, "sh", *args)

    @contextmanager
    def lan(self, *, inhabited: bool) -> Iterator[None]:
        """A veth pair, its far end in a namespace."""
        self._shell(_NO_LAN)
        words = ("sh", "-c", _LAN, "sh", "inhabited" if inhabited else "empty")
        self.lab.inside(self.name, *words, given=asset_text("lab/fault/vrrp.py").encode())
        try:
            yield
        finally:
            self._shell(_NO_LAN)

    @contextmanager
    def without(self, *tools: str) -> Iterator[None]:
        """Under another name for a while."""
        self._shell(_AWAY, *tools)
        try:
            yield
        finally:
            self._shell(_BACK, *tools)

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

    def settle_guard(self) -> None:
        """Its service ends when it has looked."""
        self.lab.inside(self.name, "systemctl", "start", "wizard-etcd-leader.service")

    def clear_guests(self) -> None:
        """Both drivers."""
        self._shell(_CLEAR_GUESTS, NAME, PLACE)

    def clear_etcd(self, *, programs: bool) -> None:
        """A package goes with the programs."""
        self._shell(_CLEAR_ETCD, BASE, "yes" if programs else "no")

    def packages(self, path: str, names: Sequence[str]) -> None:
        """Debian's own files, of the lab's artifacts."""
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as tar:
            for name in names:
                tar.add(self._deb(name), arcname=self._deb(name).name)
        self.lab.inside(self.name, "tee", path, given=made.getvalue())

    def unpack_only(self, name: str) -> None:
        """By dpkg."""
        self.lab.inside(self.name, "tee", f"/var/tmp/{name}.deb", given=self._deb(name).read_bytes())
        self._shell(_UNPACK, f"/var/tmp/{name}.deb")

    @contextmanager
    def dpkg_held(self) -> Iterator[None]:
        """By a process of that name which has the same lock."""
        self._shell(_HOLD)
        try:
            yield
        finally:
            self._shell(_LET_GO)

    def clear_packages(self) -> None:
        """By dpkg."""
        self._shell(_CLEAR_PACKAGES)

    def install_keepalived(self) -> None:
        """Debian's own files, unless an earlier case did so."""
        if self.lab.try_inside(self.name, "test", "-e", "/var/lib/dpkg/info/keepalived.list"):
            made = io.BytesIO()
            with tarfile.open(fileobj=made, mode="w") as tar:
                for deb in load_packages().closure(("keepalived",), machine.arch()):
                    tar.add(self._deb(deb.name), arcname=deb.file)
            self.lab.inside(self.name, "sh", "-c", _KEEPALIVED, given=made.getvalue())

    def settle_address(self) -> None:
        """It says so in its log."""
        self._shell(_ADDRESS)

    def clear_keepalived(self, *, programs: bool) -> None:
        """By dpkg."""
        self._shell(_CLEAR_KEEPALIVED, "yes" if programs else "no")

    def _deb(self, name: str) -> Path:
        return Path(self.lab.store.artifacts) / load_packages().debs[name, machine.arch()].file
