#!/bin/sh
# Another etcd, the real program, on the ports ours needs. Its archive lies in /run/lab/foreign-etcd. usage: add|clear
set -eu
state=/run/lab/foreign-etcd
data=/var/lib/other-etcd
# shellcheck disable=SC1091 # written by the lab when the host was made
. /usr/lib/homelab-lab/host.env # ADDRESS

clear() {
    systemctl stop other-etcd.service 2>/dev/null || true # not there, if the run was killed before
    systemctl reset-failed other-etcd.service 2>/dev/null || true
    rm -rf "$state" "$data"
}

case $1 in
add)
    tar -C "$state" -xzf "$state/etcd.tar.gz" --strip-components=1
    systemd-run --quiet --unit=other-etcd.service --service-type=notify "$state/etcd" --name other --data-dir "$data" \
        --listen-client-urls "http://$ADDRESS:2379,http://127.0.0.1:2379" --advertise-client-urls "http://$ADDRESS:2379" \
        --listen-peer-urls "http://$ADDRESS:2380" --initial-advertise-peer-urls "http://$ADDRESS:2380" \
        --initial-cluster "other=http://$ADDRESS:2380"
    ;;
clear) clear ;;
esac
