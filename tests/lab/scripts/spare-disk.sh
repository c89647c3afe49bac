#!/bin/sh
# Put one more empty SSD (sdz, 1 TB) into a lab host, or take it out: only described, as the lab's other paper disks are.
# usage: add|clear SERIAL
set -eu
# shellcheck source=/dev/null
. /usr/lib/homelab-lab/disks.sh
case $1 in
add)
    describe_disk sdz 90 8:1440 1000204886016 sata 0
    describe_udev sdz - Samsung~SSD~870~EVO~1TB "$2" - ""
    ;;
clear)
    folder=$(readlink -f "$SYSROOT/sys/block/sdz" || :)
    rm -rf "$SYSROOT/sys/block/sdz" "$SYSROOT/sys/dev/block/8:1440" "$SYSROOT/sys/bus/scsi/devices/90:0:0:0" \
        "$SYSROOT/sys/class/scsi_host/host90" "$SYSROOT/dev/sdz"
    [ -z "$folder" ] || rm -rf "$folder"
    ;;
esac
