#!/bin/sh
# PID 1 of a guest that is a libvirt LXC domain: lays what a container's systemd needs, brings the guest's disks and
# hands over. Lab equipment, inside the guest's root; a guest that is a virtual machine boots by itself.
set -u
LAB=/usr/lib/homelab-lab
KEEP=/var/lib/homelab-lab # bound in by the domain: vda.size, vdb.img, vdb.serial ...

say() { printf 'lab: %s\n' "$*"; }

# Lay the cgroup tree as this process sees it.
lay_cgroups() {
    umount -R /sys/fs/cgroup 2>/dev/null
    mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
    for controller in cpu cpuacct cpuset memory devices freezer blkio pids; do
        mkdir "/sys/fs/cgroup/$controller"
        mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" 2>/dev/null ||
            rmdir "/sys/fs/cgroup/$controller"
    done
    mkdir /sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
}

# /sys stays read-only: then systemd starts no udev, and networkd does not wait for one.
# A guest begins seeing the cgroup tree of its whole hypervisor. It takes the place that libvirt made for it as its root,
# as a machine has one of its own: else the kubelets of two guests would end each other's pods. Pods' devices are part
# of the guest's, so it may use any; what is other machines' is hidden below.
cgroups() {
    umount -R /proc/sys 2>/dev/null
    [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] && return
    lay_cgroups
    [ -z "${LAB_OWN_CGROUPS-}" ] || return 0
    own=$(sed -n 's|^[0-9]*:[^:]*:\(/machine/.*\)|\1|p' /proc/self/cgroup | head -n 1)
    for controller in systemd pids; do # libvirt makes no place in these
        [ -d "/sys/fs/cgroup/$controller" ] || continue
        mkdir -p "/sys/fs/cgroup/$controller$own"
        echo $$ >"/sys/fs/cgroup/$controller$own/cgroup.procs"
    done
    echo a >"/sys/fs/cgroup/devices$own/devices.allow"
    exec unshare --cgroup env LAB_OWN_CGROUPS=yes "$0"
}

# The table that disks.sh reads, from what the domain has bound in. The root is a folder of the hypervisor's disk.
table() {
    mkdir -p "$KEEP"
    bytes=$(cat "$KEEP/vda.size" 2>/dev/null || echo 4294967296)
    printf 'vda - %s virtio 0 - - ext4 - / paper:%s\n' "$bytes" "$(findmnt -no MAJ:MIN / | tr -d " ")"
    for image in "$KEEP"/vd?.img; do
        [ -e "$image" ] || continue
        name=${image##*/}
        name=${name%.img}
        serial=$(cat "$KEEP/$name.serial" 2>/dev/null)
        printf '%s - %s virtio 0 - %s - - - data\n' "$name" "$(stat -c %s "$image")" "${serial:--}"
    done
}

# The nodes of other machines' disks go: a guest sees its own.
hide_others() {
    for node in /dev/loop[0-9]*; do
        [ -e "$node" ] && rm -f "$node"
    done
}

# systemd leaves the disks of /etc/fstab alone in a container; in a machine it would mount them, and grow their file
# systems to the size of the disk (a mounted one cannot be grown without CAP_SYS_RESOURCE).
mount_table() {
    [ -e /etc/fstab ] || return
    for disk in /dev/vd?; do
        [ "$(blkid -p -o value -s TYPE "$disk" 2>/dev/null)" = ext4 ] || continue
        resize2fs "$disk" || { e2fsck -fp "$disk"; resize2fs "$disk"; }
    done >/dev/null 2>&1
    mount -a -t ext4,xfs || say "not everything in /etc/fstab could be mounted"
}

cgroups
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run # systemd takes it as it is
mkdir -p /run/lab
table >"$LAB/disks"
# shellcheck disable=SC1091 # the hosts' own, laid beside this file
. "$LAB/disks.sh"
disks
hide_others
umount -l "$KEEP" # attached disks stay; what is left is a mount that no machine has
mount --make-rshared /
"$LAB/describe"
mount_table
if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
    exec /sbin/init
fi
exec env -u LAB_OWN_CGROUPS SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 /sbin/init SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 \
    systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1
