#!/bin/sh
# The machine's end of a host's link. Runs in a helper container that shares the machine's network.
# usage: cut|join|slow|free IFINDEX [RATE]
set -eu
device=$(ip -o link | awk -F': ' -v wanted="$2" '$1 == wanted { sub(/@.*/, "", $2); print $2 }')
[ -n "$device" ] || {
    echo "no interface with index $2" >&2
    exit 1
}
case $1 in
cut) ip link set dev "$device" down ;; # the other end loses its carrier, as with a pulled cable
join) ip link set dev "$device" up ;;
slow) tc qdisc replace dev "$device" root tbf rate "$3" burst 32kbit latency 400ms ;;
free) tc qdisc del dev "$device" root 2>/dev/null || true ;; # never set, if the run was killed before
esac
