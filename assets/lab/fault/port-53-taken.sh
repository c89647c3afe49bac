#!/bin/sh
# A real dnsmasq answers on port 53 of the host's own address. usage: add|clear
set -eu
state=/run/lab/port-53
# shellcheck disable=SC1091 # written by the lab when the host was made
. /usr/lib/homelab-lab/host.env # HOST ADDRESS

clear() {
    if [ -e "$state/pid" ]; then kill "$(cat "$state/pid")" 2>/dev/null || true; fi
    rm -rf "$state"
}

case $1 in
add)
    command -v dnsmasq >/dev/null || {
        echo "$HOST has no dnsmasq: this fault is one of the hypervisors" >&2
        exit 1
    }
    clear
    mkdir -p "$state"
    printf 'listen-address=%s\nbind-interfaces\nno-resolv\nno-hosts\naddress=/nas.home.arpa/192.0.2.7\n' "$ADDRESS" >"$state/conf"
    # It goes to the background when its port is open.
    dnsmasq --conf-file="$state/conf" --pid-file="$state/pid" --user=root
    ;;
clear) clear ;;
esac
