#!/bin/sh
# Everything on this host that only an apply may change, one thing a line: every entry of the watched trees with mode,
# owner, size, target and the times of its last change (a file made and removed again moves those of its folder), the
# digest of every file, libvirt's definitions, and Docker's containers, images and volumes. Logs are not in it.
set -u
for tree in /etc /boot /usr/local /var/lib/wizard /run/wizard; do
    if [ ! -e "$tree" ]; then
        echo "absent $tree"
        continue
    fi
    find "$tree" -printf 'entry %p %y %m %u:%g %s %l %T@ %C@\n'
    find "$tree" -type f -exec sha256sum {} + | sed 's/^\([0-9a-f]*\)  /content \1 /'
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
if command -v docker >/dev/null 2>&1; then
    docker ps -a --no-trunc --format 'container {{.ID}} {{.Names}} {{.State}}'
    docker images -a --no-trunc --format 'image {{.ID}} {{.Repository}}'
    docker volume ls --format 'volume {{.Name}}'
    docker network ls --no-trunc --format 'network {{.ID}} {{.Name}}'
fi
