#!/bin/sh
# The rest of a Debian lab host (tower-a, pi): prepare what a container's systemd needs and hand over. Sourced by init.sh.

user() {
    [ "$LOGIN" = root ] && return
    id "$LOGIN" >/dev/null 2>&1 || useradd -m -s /bin/bash "$LOGIN"
    printf '%s ALL=(ALL) NOPASSWD: ALL\n' "$LOGIN" >"/etc/sudoers.d/010_$LOGIN-nopasswd"
    chmod 440 "/etc/sudoers.d/010_$LOGIN-nopasswd"
    authorize "$LOGIN" "/home/$LOGIN"
}

# No clock to set, no hardware to probe, and machined would refuse guests on this cgroup layout.
mask() {
    mkdir -p /etc/systemd/system
    for unit in systemd-timesyncd.service systemd-udevd.service systemd-udevd-kernel.socket \
        systemd-udevd-control.socket systemd-udev-trigger.service systemd-machined.service systemd-machined.socket \
        getty@.service console-getty.service systemd-remount-fs.service systemd-binfmt.service \
        sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount \
        sys-fs-fuse-connections.mount systemd-resolved.service systemd-networkd.service \
        apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer xfs_scrub_all.timer \
        e2scrub_reap.service dpkg-db-backup.timer systemd-pstore.service; do
        ln -sf /dev/null "/etc/systemd/system/$unit"
    done
    rm -f /usr/share/dbus-1/system-services/org.freedesktop.machine1.service
    # What fstab names is mounted already; without udev systemd would wait for devices that never come.
    mkdir -p /etc/systemd/system-generators
    ln -sf /dev/null /etc/systemd/system-generators/systemd-fstab-generator
}

# What plays chronyd only sleeps; chronyc (equipment) says what the real one would of a good clock.
clock() {
    cp /usr/bin/sleep "$LAB/chronyd"
    rm -f /etc/systemd/system/chrony.service
    printf '[Unit]\nDescription=chrony, an NTP client/server\n[Service]\nExecStart=%s/chronyd infinity\n' "$LAB" \
        >/etc/systemd/system/chrony.service
    printf '[Install]\nWantedBy=multi-user.target\n' >>/etc/systemd/system/chrony.service
    mkdir -p /etc/systemd/system/multi-user.target.wants
    ln -sf ../chrony.service /etc/systemd/system/multi-user.target.wants/chrony.service
}

# Lab containers may lack CAP_SYS_RESOURCE: a service that wants to be spared or to raise its limits would not start.
loosen() {
    for unit in docker containerd libvirtd virtlogd ssh dbus; do
        mkdir -p "/etc/systemd/system/$unit.service.d"
        printf '[Service]\nOOMScoreAdjust=\nLimitNOFILE=\nLimitCORE=\nLimitNPROC=\nLimitMEMLOCK=\nTasksMax=infinity\n' \
            >"/etc/systemd/system/$unit.service.d/lab.conf"
    done
}

printf '%s\n' "$MACHINE_ID" >/etc/machine-id
printf 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n' >/etc/environment
keys
authorize root /root
user
equipment
hooks
mask
clock
loosen
if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
    exec /sbin/init
fi
exec env SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 /sbin/init SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 \
    systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1
