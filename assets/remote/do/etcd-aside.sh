# Takes the data of a member that was removed from its cluster out of the way. Args: base, lineage, attempt (an id: what
# was moved by an attempt is never moved again by the same one, since the member has new data by then).
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
if [ ! -d "$arg_base/data" ] || grep -qx "$arg_attempt" "$arg_base/aside" 2>/dev/null; then
    echo nothing
    exit 0
fi
if ! grep -qx "lineage=$arg_lineage" "$arg_base/wizard" 2>/dev/null; then
    echo "$arg_base/data belongs to another cluster"
    exit 4
fi
systemctl stop etcd.service
rm -rf "$arg_base/data.removed"
mv -f "$arg_base/data" "$arg_base/data.removed"
echo "$arg_attempt" >"$arg_base/aside"
echo moved
