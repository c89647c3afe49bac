#!/bin/sh
# PID 1 of every lab host: makes a container look like a machine, then hands over to the real init.
# What it lays down is lab equipment; docs/lab.md tells a person what of it is real.
set -u
LAB=/usr/lib/homelab-lab
KEEP=/var/lib/lab-disks # a Docker volume: disk images and what must outlive the container's root
# shellcheck disable=SC1091 # written by the lab when the container is created
. "$LAB/host.env" # HOST ADDRESS GATEWAY PLATFORM LOGIN MACHINE_ID VOLUMES KVM

say() { printf 'lab: %s\n' "$*"; }

cgroups() {
    umount /proc/sys 2>/dev/null
    mount -o remount,rw /sys
    if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
        mount -o remount,rw /sys/fs/cgroup
        return
    fi
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

devices() {
    mkdir -p /dev/net
    [ -e /dev/net/tun ] || mknod -m 666 /dev/net/tun c 10 200
    [ -n "$KVM" ] && [ ! -e /dev/kvm ] && mknod -m 666 /dev/kvm c 10 232
    [ -e /dev/fuse ] || mknod -m 666 /dev/fuse c 10 229
    [ -e /dev/kmsg ] || mknod -m 644 /dev/kmsg c 1 11
    [ -e /dev/loop-control ] || mknod -m 660 /dev/loop-control c 10 237
    number=0
    while [ "$number" -lt 128 ]; do # LXC guests name them too, and another lab has its own
        [ -e "/dev/loop$number" ] || mknod -m 660 "/dev/loop$number" b 7 "$number"
        number=$((number + 1))
    done
    # A board's model lies in sysfs on real hardware; a container may only lay a tmpfs over its place.
    if [ -e "$LAB/device-tree" ]; then
        umount /sys/firmware 2>/dev/null
        mount -t tmpfs -o mode=755 firmware /sys/firmware
        mkdir -p /sys/firmware/devicetree/base
        cp "$LAB/device-tree/"* /sys/firmware/devicetree/base/
    fi
}

bridge_network() {
    [ "$PLATFORM" = pi ] && return
    mac=$(cat /sys/class/net/eth0/address)
    ip link add br0 type bridge forward_delay 0
    ip link set br0 address "$mac"
    ip address flush dev eth0
    ip link set eth0 master br0
    ip link set br0 up
    ip address add "$ADDRESS/24" dev br0
    ip route add default via "$GATEWAY"
}

# Lay the root as the machine has it: the image below, and above it what the machine's root is made of
# (memory on Unraid, the SD card on the Pi, an SSD on tower-a). $1 = source as mount tables show it, $2 = upper.
new_root() {
    mkdir -p "$2/upper" "$2/work" /.root
    mount -t overlay -o "lowerdir=/,upperdir=$2/upper,workdir=$2/work" "$1" /.root || return 1
    for place in /proc /sys /dev /run; do
        mkdir -p "/.root$place"
        mount --rbind "$place" "/.root$place"
    done
    for place in /etc/hosts /etc/hostname /etc/resolv.conf $VOLUMES; do
        [ -d "$place" ] && mkdir -p "/.root$place"
        mount --bind "$place" "/.root$place"
    done
    mkdir -p /.root/.old
    pivot_root /.root /.root/.old
    cd / || return 1
}

leave_old_root() {
    umount -l /.old
    rmdir /.old 2>/dev/null
    mount --make-rshared /
}

# The keys are laid down once; a key changed later stays changed, over restarts too.
keys() {
    folder=/etc/ssh
    [ "$PLATFORM" = unraid ] && folder=/boot/config/ssh
    if [ ! -e "$folder/.lab" ]; then
        mkdir -p "$folder"
        rm -f "$folder"/ssh_host_*
        cp "$LAB/ssh_host_ed25519_key" "$folder/"
        chmod 600 "$folder/ssh_host_ed25519_key"
        ssh-keygen -y -f "$folder/ssh_host_ed25519_key" >"$folder/ssh_host_ed25519_key.pub"
        : >"$folder/.lab"
    fi
}

# Let the lab's own key in: $1 = user, $2 = home.
authorize() {
    mkdir -p "$2/.ssh"
    cp "$LAB/authorized_keys" "$2/.ssh/authorized_keys"
    chmod 700 "$2/.ssh"
    chmod 600 "$2/.ssh/authorized_keys"
    chown -R "$1:" "$2/.ssh"
}

# Equipment stands where the real program would: any PATH finds it, a login shell's or not.
equipment() {
    mkdir -p "$LAB/real"
    for tool in "$LAB/bin/"*; do
        name=${tool##*/}
        place=$(command -v "$name") || place="/usr/bin/$name"
        [ "$(readlink "$place")" = "$tool" ] && continue
        [ -e "$place" ] && mv "$place" "$LAB/real/$name"
        ln -sf "$tool" "$place"
    done
}

# Before libvirtd starts: it looks for its hooks once.
hooks() {
    [ -d "$LAB/hooks" ] || return 0
    mkdir -p /etc/libvirt/hooks
    cp "$LAB/hooks/"* /etc/libvirt/hooks/
}

main() {
    # shellcheck disable=SC1091 # beside this file on the host
    . "$LAB/disks.sh"
    cgroups
    devices
    disks
    bridge_network
    case $PLATFORM in
    unraid)
        mkdir -p /.upper
        mount -t tmpfs -o mode=755 rootfs /.upper
        new_root rootfs /.upper
        ;;
    pi)
        mkdir -p /.upper
        mount -o noatime /dev/mmcblk0p2 /.upper
        new_root /dev/mmcblk0p2 /.upper
        ;;
    *) new_root /dev/nvme0n1p2 "$KEEP/root" ;;
    esac || say "the machine's root could not be laid over the image's"
    leave_old_root
    mount_disks
    # shellcheck disable=SC1091 # systemd.sh or unraid.sh
    . "$LAB/machine.sh"
}

main
