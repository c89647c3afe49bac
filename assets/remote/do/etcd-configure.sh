# Sets one member up: the folder of its data with our mark in it, its configuration, keys and unit.
# Args: base, root (yes: it may lie on the root file system), lineage, member.
# On stdin, for each file `== PATH MODE OWNER` and its lines behind bars; `== end` comes last.
# uses functions/files
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
umask 077
unit=/etc/systemd/system/etcd.service
newline='
'

# The nearest folder that is there tells on which file system the new one will lie.
nearest() {
    near=$1
    while [ ! -e "$near" ]; do near=$(dirname "$near"); done
    stat -c %d "$near"
}

prepare_data() {
    if [ "$arg_root" != yes ] && [ "$(nearest "$arg_base")" = "$(stat -c %d /)" ]; then
        echo "$arg_base lies on the root file system: the disk it belongs on is not mounted"
        exit 3
    fi
    if [ -d "$arg_base/data/member" ] && ! grep -qx "lineage=$arg_lineage" "$arg_base/wizard" 2>/dev/null; then
        echo "$arg_base/data belongs to another cluster"
        exit 4
    fi
    mkdir -p "$arg_base"
    chown etcd:etcd "$arg_base"
    chmod 700 "$arg_base"
    printf 'lineage=%s\nmember=%s\n' "$arg_lineage" "$arg_member" >"$arg_base/wizard.new"
    chmod 644 "$arg_base/wizard.new"
    sync "$arg_base/wizard.new" 2>/dev/null || sync
    mv -f "$arg_base/wizard.new" "$arg_base/wizard"
}

put() {
    place "$@"
    echo "$placed $2"
}

receive /run/wizard/etcd-files
prepare_data
mkdir -p /etc/etcd/pki
chmod 755 /etc/etcd /etc/etcd/pki
before=$(cat "$unit" 2>/dev/null || true)
each_file put
if [ "$before$newline" != "$(cat "$unit")$newline" ]; then systemctl daemon-reload; fi
