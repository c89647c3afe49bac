# Lets guests hand their backups in here and nothing else, or shuts them out again; backups that lie here stay.
# Args: action (admit or refuse), cluster, user (the keys let in as), target (a folder that is there), folder (ours in it),
# script (where the one that takes backups in lies). On stdin, to admit: as functions/files tells, that script and the lines
# of authorized_keys under the path `keys`; `== end` comes last.
# uses functions/files
# uses functions/admitted
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
umask 077
keys=$(keys_file "$arg_user")

# give FILE...: to the user; what root makes on a share may belong to nobody, and that is fine.
give() { if [ "$arg_user" != root ]; then chown "$arg_user" "$@"; fi; }

# Our folder is made once: where it is gone, a share is not mounted, and backups would fall on the disk below it.
make_folder() {
    if [ ! -d "$arg_target" ]; then
        echo "there is no folder $arg_target"
        exit 3
    fi
    if [ -d "$arg_folder" ]; then return 0; fi
    if [ -f "$keys" ] && admitted "$arg_cluster" "$keys" | grep -qF -- "$arg_folder"; then
        echo "the folder $arg_folder is gone: is the share mounted?"
        exit 4
    fi
    mkdir "$arg_folder"
    give "$arg_folder"
}

# our_lines FILE: those of the file, and no others, are our lines of authorized_keys.
our_lines() {
    if [ ! -f "$keys" ]; then
        if [ ! -s "$1" ]; then return 0; fi
        mkdir -p "$(dirname "$keys")"
        : >"$keys"
        give "$(dirname "$keys")" "$keys"
    fi
    # It may be a link to where it really lies.
    real=$(readlink -f "$keys")
    rm -f "$real.new"
    others "$arg_cluster" "$real" >"$real.new"
    cat "$1" >>"$real.new"
    give "$real.new"
    sync "$real.new" 2>/dev/null || sync
    mv -f "$real.new" "$real"
}

put() {
    if [ "$2" = keys ]; then
        our_lines "$stage/$1"
    else
        mkdir -p "$(dirname "$2")"
        cat "$stage/$1" >"$2.new"
        # The flash drive of Unraid is FAT, which keeps no modes.
        chmod "$3" "$2.new" 2>/dev/null || true
        mv -f "$2.new" "$2"
    fi
}

case $arg_action in
admit)
    receive /run/wizard/backup-store
    make_folder
    each_file put
    echo "backups of $arg_cluster are taken in"
    ;;
refuse)
    our_lines /dev/null
    rm -f "$arg_script"
    echo "no backups are taken in"
    ;;
esac
