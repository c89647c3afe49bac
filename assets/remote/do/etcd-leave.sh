# Takes a member whose machine is about to be removed off the list of members, on another member.
# Args: name of the member, contacts (client URLs, comma-separated, of members that may tell the list).
# Every other voter must be healthy: what is left must be able to go on alone. Not in the list = nothing to do.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
pki=/etc/etcd/pki

ask() {
    where=$1
    shift
    timeout -s KILL 25 /usr/local/bin/etcdctl --endpoints="$where" --cacert=$pki/ca.crt --cert=$pki/root.crt \
        --key=$pki/root.key --dial-timeout=3s --command-timeout=15s "$@" 2>&1
}

list=$(ask "$arg_contacts" member list) || {
    printf '%s\n' "$list" | cut -c 1-300
    echo "the list of members cannot be had"
    exit 3
}
id=$(printf '%s\n' "$list" | awk -F ', ' -v name="$arg_name" '$3 == name { print $1; exit }')
if [ -z "$id" ]; then
    echo "$arg_name is not in the list of members"
    exit 0
fi
others=$(printf '%s\n' "$list" | awk -F ', ' -v name="$arg_name" \
    '$3 != name && $5 != "" { urls = urls (urls == "" ? "" : ",") $5 } END { print urls }')
said=$(ask "$others" endpoint health) || {
    printf '%s\n' "$said" | grep -v 'is healthy' | cut -c 1-300
    echo "another member is not healthy: the list is left as it is"
    exit 3
}
said=$(ask "$others" member remove "$id") || {
    printf '%s\n' "$said" | cut -c 1-300
    exit 5
}
echo "removed $id"
