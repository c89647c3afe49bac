#!/bin/sh
# The rest of the Unraid-like host (tower-b): its flash, its array, its own small init. Sourced by init.sh.

flash() {
    mkdir -p /boot/config/plugins/dockerMan/templates-user /boot/config/ssh/root
    [ -e /boot/config/ident.cfg ] && return
    cat >/boot/config/ident.cfg <<'TEXT'
# Generated settings:
NAME="tower-b"
timeZone="Etc/UTC"
COMMENT="Media server"
USE_SSL="no"
PORT="80"
PORTSSL="443"
USE_TELNET="no"
PORTTELNET="23"
USE_SSH="yes"
PORTSSH="22"
USE_NTP="yes"
NTP_SERVER1="time.example"
TEXT
    cat >/boot/config/domain.cfg <<'TEXT'
SERVICE="enable"
IMAGE_FILE="/mnt/user/system/libvirt/libvirt.img"
IMAGE_SIZE="1"
DEBUG="no"
DOMAINDIR="/mnt/user/domains/"
MEDIADIR="/mnt/user/isos/"
DISKDIR="/mnt/"
BRNAME="br0"
TIMEOUT="60"
TEXT
    cat >/boot/config/docker.cfg <<'TEXT'
DOCKER_ENABLED="yes"
DOCKER_IMAGE_FILE="/mnt/user/system/docker/docker.img"
DOCKER_IMAGE_SIZE="20"
DOCKER_APP_CONFIG_PATH="/mnt/user/appdata/"
TEXT
    printf '# Generated settings:\nstartArray="yes"\nspindownDelay="0"\n' >/boot/config/disk.cfg
    printf '# Generated settings:\nUSE_DHCP[0]="no"\nBRIDGING[0]="yes"\nBRNAME[0]="br0"\nIPADDR[0]="%s"\n' "$ADDRESS" \
        >/boot/config/network.cfg
    printf '#!/bin/bash\n# Start the Management Utility\n/usr/local/sbin/emhttp\n' >/boot/config/go
}

# The array: one data disk and one pool, seen together under /mnt/user.
array() {
    mkdir -p /mnt/cache/domains /mnt/cache/system/libvirt /mnt/cache/system/docker /mnt/cache/appdata \
        /mnt/disk1/isos /mnt/disk1/media /mnt/user
    mergerfs -o allow_other,fsname=shfs,category.create=ff /mnt/cache:/mnt/disk1 /mnt/user
    mkdir -p /var/local/emhttp
    cat >/var/local/emhttp/var.ini <<'TEXT'
version="7.3.2"
NAME="tower-b"
timeZone="Etc/UTC"
USE_SSH="yes"
PORTSSH="22"
startArray="yes"
mdColor="green-blink"
mdNumDisks="1"
mdNumDisabled="0"
mdNumInvalid="0"
mdNumMissing="0"
mdState="STARTED"
mdResync="0"
fsState="Started"
fsProgress="Started"
fsNumMounted="2"
shareUser="e"
regTy="Pro"
TEXT
}

# Unraid keeps libvirt's definitions in an image of their own on the array.
libvirt_image() {
    image=/mnt/cache/system/libvirt/libvirt.img
    if [ ! -e "$image" ]; then
        truncate -s 256M "$image"
        mkfs.btrfs -q "$image"
    fi
    for _ in 1 2 3 4 5; do
        mount -o loop "$image" /etc/libvirt && break
        sleep 0.2 # another host took the device in between
    done
    [ -e /etc/libvirt/libvirtd.conf ] || cp -a /etc/libvirt.dist/. /etc/libvirt/
}

printf '%s\n' "$MACHINE_ID" >/etc/machine-id
printf 'PATH="/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"\nexport PATH\n' >/etc/profile
flash
array
keys
mkdir -p /etc/ssh
rm -rf /etc/ssh/ssh_host_* /root/.ssh
cp /boot/config/ssh/ssh_host_* /etc/ssh/
[ -e /boot/config/ssh/root/authorized_keys ] || cp "$LAB/authorized_keys" /boot/config/ssh/root/authorized_keys
chmod 700 /boot/config/ssh/root
chmod 600 /boot/config/ssh/root/authorized_keys /etc/ssh/ssh_host_*_key
ln -s /boot/config/ssh/root /root/.ssh
equipment
libvirt_image
hooks
for service in "$LAB/rc.d/"*; do
    cp "$service" "/etc/rc.d/${service##*/}"
    chmod 755 "/etc/rc.d/${service##*/}"
done
cp /usr/bin/sleep "$LAB/ntpd"
for service in ntpd sshd libvirt docker; do
    "/etc/rc.d/rc.$service" start
done

shut_down() {
    for service in docker libvirt sshd ntpd; do
        "/etc/rc.d/rc.$service" stop
    done
    umount -l /mnt/user
    sync
    exit 0
}
trap shut_down TERM PWR
# Reap what others leave behind: that is what an init is for.
while :; do
    sleep 3600 &
    wait $!
done
