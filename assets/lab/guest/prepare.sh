#!/bin/sh
# Makes a freshly installed Debian the root of the lab's guests. Runs once, inside that root; the equipment lies in
# /usr/lib/homelab-lab already.
set -eu
LAB=/usr/lib/homelab-lab

# What a first boot makes anew.
rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id /etc/fstab
: >/etc/machine-id
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt

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

# A container may not set the clock: what plays timesyncd sleeps, and says what the real one would of a good clock.
cp /usr/bin/sleep "$LAB/systemd-timesyncd"
cat >/etc/systemd/system/systemd-timesyncd.service <<'TEXT'
[Unit]
Description=Network Time Synchronization
[Service]
RuntimeDirectory=systemd/timesync
ExecStartPre=/usr/bin/touch /run/systemd/timesync/synchronized
ExecStart=/usr/lib/homelab-lab/systemd-timesyncd infinity
[Install]
WantedBy=sysinit.target
TEXT

# As netplan does it in the image: networkd brings the network up.
systemctl --quiet enable systemd-networkd.service
for unit in systemd-udevd.service sys-kernel-debug.mount sys-kernel-tracing.mount \
    dev-hugepages.mount sys-fs-fuse-connections.mount systemd-remount-fs.service systemd-pstore.service \
    getty@.service console-getty.service apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
    e2scrub_reap.service fstrim.timer dpkg-db-backup.timer; do
    ln -sf /dev/null "/etc/systemd/system/$unit"
done
