#!/bin/sh
# Turns a Debian hypervisor into the Unraid-like one: what Unraid has not is taken away, for good.
# Runs once, in a container, while the image is made. The libraries that libvirt needs stay.
set -eu

list_of() {
    cat "/var/lib/dpkg/info/$1.list" "/var/lib/dpkg/info/$1:"*.list 2>/dev/null || true
}

drop_package() {
    list_of "$1" | sort -r | while read -r path; do
        if [ -L "$path" ] || [ -f "$path" ]; then
            rm -f "$path"
        fi
    done
}

# Read before dpkg's own lists go.
for package in apt systemd systemd-sysv systemd-timesyncd dbus dbus-daemon dbus-system-bus-common sudo \
    python3-minimal python3.13-minimal libpython3.13-minimal libpython3-stdlib \
    debconf debianutils-apt libapt-pkg7.0 debian-archive-keyring adduser init-system-helpers polkitd tcpdump; do
    drop_package "$package"
done
rm -rf /usr/share/lintian /usr/share/doc-base /usr/share/pixmaps /usr/share/applications /usr/share/bash-completion \
    /etc/python3* /etc/xdg/systemd /usr/lib/systemd /usr/lib/*/systemd/libsystemd-core-*
rm -rf /etc/apt /var/lib/apt /var/cache/apt /usr/lib/apt /etc/systemd \
    /usr/lib/python3 /usr/lib/python3.* /usr/share/python3 /etc/debian_version
rm -f /usr/bin/jq /usr/bin/python3* /usr/bin/systemctl /usr/bin/journalctl /usr/bin/apt* /usr/bin/timedatectl \
    /usr/bin/hostnamectl /usr/bin/systemd-* /usr/sbin/init /usr/bin/dpkg-* /etc/init.d/*
drop_package dpkg
rm -rf /var/lib/dpkg /usr/lib/dpkg /etc/dpkg
ln -sf bash /usr/bin/sh

# Unraid is Slackware underneath.
rm -f /etc/os-release /usr/lib/os-release
cat >/etc/os-release <<'TEXT'
NAME=Slackware
VERSION="15.0"
ID=slackware
VERSION_ID=15.0
PRETTY_NAME="Slackware 15.0 x86_64 (post 15.0 -current)"
TEXT
printf 'Slackware 15.0+\n' >/etc/slackware-version
printf 'version="7.3.2"\n' >/etc/unraid-version
printf '/bin/bash\n/bin/sh\n' >/etc/shells
mkdir -p /boot /mnt/user /mnt/cache /mnt/disk1 /etc/rc.d /var/local/emhttp /usr/local/emhttp
rm -rf /etc/libvirt.dist
mv /etc/libvirt /etc/libvirt.dist
mkdir /etc/libvirt
