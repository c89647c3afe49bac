#!/bin/sh
# The rest of an LXC guest's root; the equipment lies in $LAB already. Follows common.sh.

# Equipment stands where the real program would; an upgrade of the package leaves it there.
mkdir -p "$LAB/real"
for tool in "$LAB/bin/"*; do
    name=${tool##*/}
    place=/usr/bin/$name
    dpkg-divert --quiet --local --rename --divert "$LAB/real/$name" --add "$place"
    ln -s "$tool" "$place"
done

# The host key is the one that is injected; no other is made.
ln -sf /dev/null /etc/systemd/system/sshd-keygen.service

# As netplan does it in the image: networkd brings the network up.
systemctl --quiet enable systemd-networkd.service
for unit in systemd-udevd.service sys-kernel-debug.mount sys-kernel-tracing.mount \
    dev-hugepages.mount sys-fs-fuse-connections.mount systemd-remount-fs.service systemd-pstore.service \
    getty@.service console-getty.service apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
    e2scrub_reap.service fstrim.timer dpkg-db-backup.timer; do
    ln -sf /dev/null "/etc/systemd/system/$unit"
done
