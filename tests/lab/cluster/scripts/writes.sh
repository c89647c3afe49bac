#!/bin/sh
# Writes through the named endpoints for as long as /run/story-writing is there, and reads each value back: both take a
# quorum. usage: writes.sh ENDPOINT,... ; last line: "written N failed M longest S" (S: the longest gap between two
# writes that were answered, in milliseconds).
set -u
pki=/etc/etcd/pki
through=$1
ask() {
    timeout 15 /usr/local/bin/etcdctl --endpoints="$through" --cacert=$pki/ca.crt --cert=$pki/root.crt --key=$pki/root.key \
        --dial-timeout=2s --command-timeout=8s "$@" 2>/dev/null
}
now() { echo $(($(date +%s%N) / 1000000)); }
: >/run/story-writing
written=0 failed=0 longest=0 last=$(now)
echo ready
while [ -e /run/story-writing ]; do
    value=v$((written + failed))
    if ask put /story/writes "$value" >/dev/null && [ "$(ask get /story/writes --print-value-only)" = "$value" ]; then
        written=$((written + 1))
        at=$(now)
        [ $((at - last)) -le "$longest" ] || longest=$((at - last))
        last=$at
    else
        failed=$((failed + 1))
    fi
done
ask del /story/writes >/dev/null
echo "written $written failed $failed longest $longest"
