# Sets one member up: the folder of its data with our mark in it, its configuration, keys and unit.
# Args: base, root (yes: it may lie on the root file system), lineage, member.
# On stdin, for each file `== PATH MODE OWNER` and its lines behind bars; `== end` comes last.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
umask 077
unit=/etc/systemd/system/etcd.service
stage=/run/wizard/etcd-files
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

# Nothing is put in place before everything is here.
receive() {
    rm -rf "$stage"
    mkdir -p "$stage"
    count=0
    while IFS= read -r line; do
        case $line in
        '== end') return 0 ;;
        '== '*)
            count=$((count + 1))
            printf '%s\n' "${line#== }" >>"$stage/list"
            : >"$stage/$count"
            ;;
        '|'*) printf '%s\n' "${line#|}" >>"$stage/$count" ;;
        *) break ;;
        esac
    done
    rm -rf "$stage"
    echo "the files did not arrive whole"
    exit 5
}

# place NUMBER PATH MODE OWNER
place() {
    if [ -f "$2" ] && [ ! -L "$2" ] && cmp -s "$stage/$1" "$2" && [ "$(stat -c '%a %U:%G' "$2")" = "$3 $4" ]; then
        echo "same $2"
        return
    fi
    cat "$stage/$1" >"$2.new"
    chown "$4" "$2.new"
    chmod "$3" "$2.new"
    sync "$2.new" 2>/dev/null || sync
    mv -f "$2.new" "$2"
    echo "wrote $2"
}

receive
prepare_data
mkdir -p /etc/etcd/pki
chmod 755 /etc/etcd /etc/etcd/pki
before=$(cat "$unit" 2>/dev/null || true)
number=0
while read -r path mode owner; do
    number=$((number + 1))
    place "$number" "$path" "$mode" "$owner"
done <"$stage/list"
rm -rf "$stage"
if [ "$before$newline" != "$(cat "$unit")$newline" ]; then systemctl daemon-reload; fi
