#!/bin/sh
# Everything on this machine that only an apply may change and that etcd itself leaves alone, one thing a line.
# usage: everything.sh FOLDER... (more trees to look at); the data etcd writes, disks of guests and logs are not in it.
set -u
for tree in /etc /boot /opt /usr/local /var/lib/wizard /run/wizard "$@"; do
    if [ ! -e "$tree" ]; then
        echo "absent $tree"
        continue
    fi
    find "$tree" \( -name data -o -name disks -o -name root -o -name lost+found -o -path '*/wizard-base/*' \) -prune -o \
        -printf 'entry %p %y %m %u:%g %s %l %T@ %C@\n'
    find "$tree" \( -name data -o -name disks -o -name root -o -name lost+found -o -path '*/wizard-base/*' \) -prune -o \
        -type f -exec sha256sum {} + | sed 's/^\([0-9a-f]*\)  /content \1 /'
done
if command -v virsh >/dev/null 2>&1; then
    for driver in lxc:/// qemu:///system; do
        for kind in list net-list pool-list; do
            virsh -q -c "$driver" "$kind" --all 2>/dev/null | sed "s|^|$driver $kind |"
        done
        for domain in $(virsh -q -c "$driver" list --all --name 2>/dev/null); do
            virsh -q -c "$driver" dumpxml "$domain" | sed "s|^|$driver $domain |"
        done
    done
fi
if command -v systemctl >/dev/null 2>&1; then
    systemctl show -p MainPID,NRestarts,UnitFileState,ActiveEnterTimestamp etcd.service 2>/dev/null | sed 's/^/unit /'
fi
exit 0
