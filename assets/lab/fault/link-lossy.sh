#!/bin/sh
# Some of the packets of a host's link never arrive, each way by itself. Runs in a helper container that shares the
# host's network, so that nothing of it outlives the host. The hooks lie at the card itself: what guests behind the
# host's bridge send and get is lost as well, and nobody is told.
# usage: add PERCENT | clear
set -eu
nft delete table netdev lab_lossy 2>/dev/null || true # never set, if the run was killed before
[ "$1" = add ] || exit 0
nft -f - <<END
table netdev lab_lossy {
    chain in {
        type filter hook ingress device "eth0" priority 0
        numgen random mod 100 < $2 counter drop
    }
    chain out {
        type filter hook egress device "eth0" priority 0
        numgen random mod 100 < $2 counter drop
    }
}
END
