# Proves that the cluster takes writes through every endpoint and that each of them is seen through every other one.
# Args: endpoints (client URLs, comma-separated), key (below which the proof writes, and deletes again).
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
pki=/etc/etcd/pki
began=$(date +%s%N)

ask() {
    where=$1
    shift
    timeout -s KILL 20 /usr/local/bin/etcdctl --endpoints="$where" --cacert=$pki/ca.crt --cert=$pki/root.crt \
        --key=$pki/root.key --dial-timeout=3s --command-timeout=8s "$@" 2>&1
}

failed() {
    printf '%s\n' "$2" | tail -n 1 | cut -c 1-300
    echo "$1 failed"
    exit 3
}

IFS=,
# shellcheck disable=SC2086 # split at commas on purpose
set -- $arg_endpoints
unset IFS
# What a proof left that was cut off.
said=$(ask "$1" del --prefix "${arg_key%/*}/") || failed "deleting through $1" "$said"
for endpoint in "$@"; do
    key=$arg_key/${endpoint##*/}
    said=$(ask "$endpoint" put "$key" "$began") || failed "writing through $endpoint" "$said"
    for reader in "$@"; do
        said=$(ask "$reader" get "$key" --print-value-only) || failed "reading through $reader" "$said"
        [ "$said" = "$began" ] || failed "reading through $reader what was written through $endpoint" "$said"
    done
    said=$(ask "$endpoint" del "$key") || failed "deleting through $endpoint" "$said"
    [ "$said" = 1 ] || failed "deleting through $endpoint" "$said"
done
echo "proved $# endpoints in $((($(date +%s%N) - began) / 1000000)) ms"
