#!/bin/sh
# What became of the wizard's work on this machine, one "word value" a line: operations that were claimed, how often a
# guest was defined or started, how often etcd was.
for operation in /run/wizard/op.*; do
    [ ! -d "$operation" ] || echo "operation ${operation#/run/wizard/op.}"
done
[ ! -f /var/tmp/story/virsh ] || sed 's/^/virsh /' /var/tmp/story/virsh
if [ -f /etc/systemd/system/etcd.service ]; then
    journalctl -q -u etcd.service -o cat --no-pager | grep -c '^Started etcd' | sed 's/^/etcd started /'
    for file in /etc/etcd/etcd.yml /etc/etcd/pki/* /etc/systemd/system/etcd.service; do
        echo "file $file $(stat -c '%a %U:%G' "$file")"
    done
fi
exit 0
