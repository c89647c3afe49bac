#!/bin/sh
# A guest that is defined and a container that is made, so that there is something to leave alone. usage: add|remove
set -eu

# What a killed test left is removed before anything is added.
virsh -q -c lxc:/// undefine story-guest 2>/dev/null || true
docker rm -f story-container >/dev/null 2>&1 || true
docker rmi story:1 >/dev/null 2>&1 || true
[ "$1" = add ] || exit 0

cat >/var/tmp/story-guest.xml <<XML
<domain type='lxc'><name>story-guest</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type>exe</type><init>/bin/sleep</init></os></domain>
XML
virsh -q -c lxc:/// define /var/tmp/story-guest.xml
rm /var/tmp/story-guest.xml
tar -c -C / --files-from /dev/null | docker import - story:1 >/dev/null
docker create --name story-container story:1 /bin/true >/dev/null
