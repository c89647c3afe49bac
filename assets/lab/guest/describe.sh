#!/bin/sh
# What udev would know of the guest's disks now: what lsblk tells of them, and the links under /dev/disk.
SYSROOT=/run/lab/sysroot
mkdir -p /dev/disk/by-uuid /dev/disk/by-id
find /dev/disk -type l -delete
# The directory that all guests share lies on the disk that this root is a folder of: lsblk would take it for its place.
grep -v ' /var/lib/lab-shared ' /proc/self/mountinfo >"$SYSROOT/proc/self/.mountinfo.$$"
mv "$SYSROOT/proc/self/.mountinfo.$$" "$SYSROOT/proc/self/mountinfo"
while read -r name _ _ _ _ _ serial _ _ _ backing; do
    [ "$backing" = data ] || continue
    {
        printf 'ID_SERIAL_SHORT=%s\n' "$serial"
        blkid -p -o udev "/dev/$name" 2>/dev/null | grep '^ID_FS_'
    } >"$SYSROOT/dev/.$name"
    mv "$SYSROOT/dev/.$name" "$SYSROOT/dev/$name"
    ln -s "../../$name" "/dev/disk/by-id/virtio-$serial"
    uuid=$(sed -n 's/^ID_FS_UUID=//p' "$SYSROOT/dev/$name")
    [ -z "$uuid" ] || ln -s "../../$name" "/dev/disk/by-uuid/$uuid"
done </usr/lib/homelab-lab/disks
