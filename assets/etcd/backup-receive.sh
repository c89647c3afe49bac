#!/bin/sh
# Written by the homelab wizard. Takes one backup of etcd from a guest and keeps the newest; the one thing that the guest's
# key may do here (authorized_keys: restrict,command="...").
# usage: backup-receive FOLDER CLUSTER MEMBER KEEP, with `NAME SHA256` in SSH_ORIGINAL_COMMAND and the backup on stdin.
set -eu
umask 077
folder=$1 cluster=$2 member=$3 keep=$4
asked=${SSH_ORIGINAL_COMMAND:-}
name=${asked% *} digest=${asked#* }

refuse() {
    echo "$1" >&2
    exit 1
}

# Nothing of what the guest says reaches a path or a command before it has this form.
stamp='[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z'
# shellcheck disable=SC2254 # a pattern on purpose; cluster and member are names of letters, digits and hyphens
case $name in
etcd-$cluster-$member-$stamp.tar.cms) ;;
*) refuse "this key hands in backups of $member only" ;;
esac
case $digest in
*[!0-9a-f]* | '') refuse "no digest was given" ;;
esac
[ "${#digest}" -eq 64 ] || refuse "no digest was given"
# A share that is not mounted would let backups fall on the disk below it, or into memory.
[ -d "$folder" ] || refuse "there is no folder $folder"

part=$folder/.$name.part
trap 'rm -f "$part"' EXIT
cat >"$part" || refuse "it cannot be written to $folder: is it full?"
found=$(sha256sum <"$part" | cut -d ' ' -f 1)
[ "$found" = "$digest" ] || refuse "it arrived as another file: $found"
sync "$part" 2>/dev/null || sync
mv -f "$part" "$folder/$name"

# The names sort by time; of each member its newest stay.
old=$(find "$folder" -maxdepth 1 -name "etcd-$cluster-$member-$stamp.tar.cms" | sort -r | tail -n +"$((keep + 1))")
for each in $old; do
    rm -f "$each"
done
echo "kept $name"
