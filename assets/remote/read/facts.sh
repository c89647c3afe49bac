#!/bin/sh
# What this host is, in one answer. Reads only: no file is made anywhere, no daemon is woken.
#
# Output: sections of the form
#     == NAME
#     |a line of raw text, whatever it holds
# A line that does not begin with a bar is ours, so what a host says can never pass for a section.
# Whatever is missing here is simply absent; the parser calls it unknown.
# Needs sh, awk and sed; everything else is used where it is found.

LC_ALL=C
case :$PATH: in
*:/usr/sbin:*) ;;
*) PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ;;
esac
export LC_ALL PATH
newline='
'

have() { command -v "$1" >/dev/null 2>&1; }

# Nothing that asks a daemon may hang us: a libvirtd that accepts and never answers is a common failure.
bounded() {
    if have timeout; then
        timeout -s KILL 4 "$@" </dev/null 2>&1
    else
        "$@" </dev/null 2>&1
    fi
}

section() { printf '== %s\n' "$1"; }
bars() { sed 's/^/|/'; }

# emit NAME TEXT: without a process of its own. Blank lines are dropped.
emit() {
    section "$1"
    [ -n "$2" ] || return 0
    IFS=$newline
    set -f
    # shellcheck disable=SC2086  # split at line ends on purpose
    printf '|%s\n' $2
    set +f
    unset IFS
}

# first FILE: its first line into $value, without a process.
first() {
    value=
    { IFS= read -r value <"$1"; } 2>/dev/null
}

flag() { printf '|%s=%s\n' "$1" "$2"; }

exists() { if [ -e "$1" ]; then flag "$2" 1; fi; }

running() {
    case $processes in
    *"$newline$1$newline"*) return 0 ;;
    esac
    return 1
}

# nested FOLDER: whether the process lives in a container or LXC guest of this host, and so is not the host's own:
# then the kernel tells more than one process id.
nested() {
    ids=
    { while IFS= read -r value; do
        case $value in NSpid:*)
            ids=${value#NSpid:}
            break
            ;;
        esac
    done <"$1/status"; } 2>/dev/null
    # shellcheck disable=SC2086  # split at blanks on purpose
    set -- $ids
    [ $# -gt 1 ]
}

# The programs we care about among all processes, by the kernel's 15-letter names.
look_at_processes() {
    processes=$newline
    for folder in /proc/[0-9]*; do
        first "$folder/comm"
        case $value in
        k3s | k3s-server | k3s-agent | etcd | kubelet | kubelite | kube-apiserver | k8s-dqlite | dockerd | containerd) ;;
        libvirtd | virtqemud | virtlxcd | chronyd | ntpd | systemd-timesyn | systemd-resolve) ;;
        keepalived | haproxy | dnsmasq | iscsid | multipathd | firewalld | named | unbound | AdGuardHome | pihole-FTL) ;;
        *) continue ;;
        esac
        name=$value
        running "$name" || nested "$folder" || processes=$processes$name$newline
    done
}

host_itself() {
    section host
    flag arch "$(uname -m 2>/dev/null)"
    if have getconf; then flag bits "$(getconf LONG_BIT 2>/dev/null)"; fi
    flag login "${SUDO_USER:-${LOGNAME:-${USER:-}}}"
    exists /run/systemd/system systemd
    exists /dev/kvm kvm
    exists /.dockerenv dockerenv
    exists /run/.containerenv containerenv
    exists /sys/fs/cgroup/cgroup.controllers cgroup2
    exists /snap/microk8s/current microk8s
    exists /var/snap/microk8s/current microk8s
    exists /var/lib/docker/swarm/docker-state.json swarm
    exists /etc/kubernetes/kubelet.conf kubeadm
    exists /var/lib/rancher/k3s/server k3s
    exists /var/lib/rancher/k3s/agent k3s
    exists /var/lib/etcd/member etcd
    exists /var/lib/etcd/default/member etcd
    exists /run/systemd/timesync/synchronized timesyncd_synchronised
    exists /run/libvirt/libvirt-sock libvirt_socket
    exists /run/libvirt/virtqemud-sock libvirt_socket
    exists /run/docker.sock docker_socket
    exists /var/run/docker.sock docker_socket
    for model in /proc/device-tree/model /sys/firmware/devicetree/base/model; do
        first "$model"
        if [ -n "$value" ]; then
            flag model "$value"
            break
        fi
    done
    first /sys/devices/platform/soc/soc:firmware/get_throttled
    if [ -n "$value" ]; then flag throttled "$value"; fi
}

# One awk for all small files. Of files that may hold more than we need, only the named keys leave the host.
small_files() {
    set --
    for file in /etc/os-release /etc/machine-id /etc/resolv.conf /etc/unraid-version /etc/ufw/ufw.conf \
        /run/systemd/container /proc/sys/kernel/hostname /proc/sys/kernel/osrelease \
        /proc/sys/kernel/random/boot_id /proc/uptime /proc/cpuinfo /proc/meminfo /proc/cgroups /proc/mounts \
        /proc/mdstat /proc/net/route /proc/self/status /proc/self/smaps /sys/fs/cgroup/cgroup.controllers \
        /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name \
        /boot/config/domain.cfg /boot/config/disk.cfg /boot/config/docker.cfg /var/local/emhttp/var.ini \
        /var/lib/wizard/marker /boot/config/wizard/marker \
        /etc/libvirt/qemu/*.xml /etc/libvirt/lxc/*.xml /sys/block/loop*/loop/backing_file; do
        if [ -r "$file" ] && [ -f "$file" ]; then set -- "$@" "$file"; fi
    done
    if ! have ss && ! have netstat; then
        for file in /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6; do
            if [ -r "$file" ]; then set -- "$@" "$file"; fi
        done
    fi
    awk '
        FNR == 1 { name = FILENAME; gsub(/[\n\r]/, "?", name); print "== file " name; seen = 0 }
        FILENAME == "/proc/cpuinfo" {
            if (/^(flags|Features)/) { if (seen++) next }
            else if (!/^(processor|physical id|core id|model name|Model|CPU implementer|CPU part)/) next
        }
        FILENAME == "/proc/self/smaps" && (!/^KernelPageSize/ || seen++) { next }
        FILENAME == "/proc/self/status" && !/^Uid:/ { next }
        FILENAME == "/proc/meminfo" && !/^(MemTotal|MemAvailable|MemFree|SwapTotal|SwapFree):/ { next }
        FILENAME ~ /^\/etc\/libvirt\// && !/<name>|lineage=/ { next }
        FILENAME ~ /\.(cfg|ini)$/ && !/^(SERVICE|IMAGE_FILE|DOMAINDIR|BRNAME|DOCKER_ENABLED|startArray|mdState|fsState|version)=/ { next }
        FILENAME ~ /ufw\.conf$/ && !/^ENABLED=/ { next }
        { print "|" $0 }
    ' "$@"
}

interfaces() {
    section nics
    for folder in /sys/class/net/*; do
        [ -e "$folder/address" ] || continue
        line=${folder##*/}
        for key in address operstate mtu speed type; do
            first "$folder/$key"
            line="$line $key=$value"
        done
        for key in bridge bonding wireless phy80211 tun_flags device macvtap; do
            if [ -e "$folder/$key" ]; then line="$line $key=1"; fi
        done
        { while IFS= read -r value; do
            case $value in DEVTYPE=*) line="$line devtype=${value#*=}" ;; esac
        done <"$folder/uevent"; } 2>/dev/null
        { while IFS= read -r value; do
            case $value in INTERFACE=*) line="$line master=${value#*=}" ;; esac
        done <"$folder/master/uevent"; } 2>/dev/null
        printf '|%s\n' "$line"
    done
    if have ip; then emit addresses "$(ip -o addr show 2>/dev/null)"; fi
}

# Disks from /sys where there is no lsblk; `on` names what a RAID or LVM device lies on.
disks_from_sys() {
    section sysblock
    for folder in /sys/block/*; do
        [ -e "$folder/size" ] || continue
        case ${folder##*/} in ram* | zram* | loop*) continue ;; esac
        printf '|disk %s\n' "${folder##*/}"
        for key in size queue/rotational removable ro device/model device/serial; do
            first "$folder/$key"
            printf '|%s %s\n' "${key##*/}" "$value"
        done
        for part in "$folder"/*/partition; do
            [ -e "$part" ] || continue
            part=${part%/partition}
            first "$part/size"
            printf '|part %s %s\n' "${part##*/}" "$value"
        done
        for below in "$folder"/slaves/*; do
            if [ -e "$below" ]; then printf '|on %s\n' "${below##*/}"; fi
        done
    done
}

disks() {
    columns=NAME,KNAME,TYPE,SIZE,RO,RM,ROTA,TRAN,FSTYPE,LABEL,UUID,MOUNTPOINT,MODEL,SERIAL
    found=$(have lsblk && bounded lsblk -J -b -o "$columns")
    case $found in
    *'"blockdevices"'*) emit lsblk "$found" ;;
    *) disks_from_sys ;;
    esac
}

# Space of local file systems only: a dead NFS server must not hang us.
space() {
    set -f
    # shellcheck disable=SC2046  # one mount point a word; those with blanks are left out by the awk
    set -- $(awk '
        $2 ~ /\\/ || count > 63 { next }
        $2 ~ /^\/(proc|sys|dev|run|snap|etc)(\/|$)/ { next }
        $2 ~ /^\/var\/lib\/(docker|containers|containerd|kubelet|lxc|lxcfs)\// || $2 ~ /^\/var\/snap\// { next }
        $2 == "/" || $3 ~ /^(ext[234]|xfs|btrfs|zfs|vfat|exfat|f2fs|bcachefs|reiserfs|jfs|ntfs3?|fuseblk|fuse\.shfs)$/ \
            || ($3 == "tmpfs" && $2 ~ /^\/(var|tmp|mnt)/) { if (!seen[$2]++) { print $2; count++ } }
    ' /proc/mounts 2>/dev/null)
    set +f
    [ $# -gt 0 ] || return 0
    found=$(bounded stat -f -c '%S %b %f %a %c %d %n' "$@")
    case $found in
    *[0-9]' /'*) emit statfs "$found" ;;
    *) emit df "$(bounded df -Pk "$@")" ;;
    esac
}

services() {
    section services
    set -f
    IFS=$newline
    for value in $processes; do printf '|process %s\n' "$value"; done
    unset IFS
    set +f
    for name in k3s k3s-agent etcd kubelet docker containerd libvirtd virtqemud systemd-resolved keepalived haproxy \
        chrony chronyd systemd-timesyncd ntp ntpsec ntpd iscsid multipathd firewalld ufw nftables; do
        for folder in /etc/systemd/system /lib/systemd/system /usr/lib/systemd/system; do
            if [ -e "$folder/$name.service" ]; then
                printf '|unit %s\n' "$name"
                break
            fi
        done
        for link in /etc/systemd/system/*.wants/"$name.service"; do
            if [ -L "$link" ]; then
                printf '|enabled %s\n' "$name"
                break
            fi
        done
    done
    for link in /etc/libvirt/qemu/autostart/*.xml /etc/libvirt/lxc/autostart/*.xml; do
        if [ -e "$link" ]; then printf '|autostart %s\n' "$link"; fi
    done
    for file in /boot/config/pools/*.cfg; do
        if [ -e "$file" ]; then printf '|pool %s\n' "$file"; fi
    done
}

tools() {
    section tools
    for name in virsh qemu-img qemu-system-x86_64 libvirtd virtqemud docker dockerd jq python3 perl curl wget fio arping \
        ping flock setsid sha256sum timeout awk sed base64 mktemp stat mv chmod chown tar gzip zstd mount mountpoint \
        systemctl apt-get lsblk findmnt blkid smartctl ip ss bridge nft iptables chronyc ntpq vcgencmd etcd etcdctl \
        k3s kubectl sudo rsync modprobe keepalived xorriso genisoimage; do
        if have "$name"; then printf '|%s\n' "$name"; fi
    done
}

time_keepers() {
    if running chronyd && have chronyc; then emit chronyc "$(bounded chronyc -n tracking)"; fi
    if running ntpd && have ntpq; then emit ntpq "$(bounded ntpq -n -c 'rv 0 leap,stratum,offset')"; fi
}

# nft would load its kernel module by being asked, so only a loaded one is asked.
packet_filter() {
    if [ -d /sys/module/nf_tables ] && have nft; then emit nft "$(bounded nft list chains)"; fi
}

throttling() {
    if have vcgencmd; then emit vcgencmd "$(bounded vcgencmd get_throttled)"; fi
}

ask_ports() {
    if have ss; then
        bounded ss -H -lntup
    elif have netstat; then
        bounded netstat -lntup
    fi
}

# Asking costs as much as all the rest, so LXC is asked where it has guests.
lxc_guests() {
    for file in /etc/libvirt/lxc/*.xml /run/libvirt/lxc/*.xml; do
        if [ -e "$file" ]; then return 0; fi
    done
    return 1
}

# Only a libvirtd that is awake: connecting to its socket would make systemd start a sleeping one.
ask_libvirt() {
    have virsh || return 0
    running libvirtd || running virtqemud || running virtlxcd || return 0
    for driver in qemu:///system lxc:///; do
        case $driver in
        qemu*) [ -d /run/libvirt/qemu ] || [ -d /var/run/libvirt/qemu ] || continue ;;
        lxc*) lxc_guests || ! [ -d /run/libvirt/qemu ] || continue ;;
        esac
        printf ':driver %s\n' "$driver"
        # A guest that is listed twice starts by itself.
        bounded virsh -r -q -c "$driver" 'version; list --all; list --all --autostart'
        printf '\n:exit %s\n' "$?"
    done
}

ask_docker() {
    have docker && running dockerd || return 0
    # The same question by curl takes a tenth of the time.
    if have curl && [ -S /var/run/docker.sock ]; then
        printf ':version '
        bounded curl -q -s --max-time 4 --unix-socket /var/run/docker.sock http://localhost/version
        echo
    else
        bounded docker version --format ':server {{.Server.Version}}'
    fi
    bounded docker ps --all --no-trunc --format ':container {{.Names}} {{.Image}} {{.State}}'
    printf ':exit %s\n' "$?"
}

everything_else() {
    host_itself
    small_files
    interfaces
    disks
    space
    services
    tools
    time_keepers
    packet_filter
    throttling
}

# The slow ones are asked first and wait in their pipes while the rest is read: the answer takes as long as the slowest.
section begin
flag epoch "$(date +%s.%N 2>/dev/null)"
look_at_processes
ask_docker </dev/null 2>&1 | {
    ask_libvirt </dev/null 2>&1 | {
        ask_ports </dev/null 2>&1 | {
            everything_else </dev/null 2>/dev/null
            section ports
            bars
        }
        section libvirt
        bars
    }
    section docker
    bars
}
section end
flag epoch "$(date +%s.%N 2>/dev/null)"
