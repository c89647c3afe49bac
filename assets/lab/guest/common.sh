#!/bin/sh
# Makes a freshly installed Debian the root of the lab's guests. Runs once, inside that root; this part is the same
# for LXC domains (lxc.sh follows) and virtual machines (vm.sh follows).
set -eu
LAB=/usr/lib/homelab-lab

# What a first boot makes anew.
mkdir -p "$LAB"
rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id /etc/fstab
: >/etc/machine-id
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt

# No time server is to be had and a container may not set the clock: what plays timesyncd sleeps, and says what the
# real one would of a good clock.
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
