# Gives a guest of ours another definition and larger disks; it is shut down for it and started again.
# Args: driver, dir, name, lineage, data_dir, system (bytes, 0 = leave), data (bytes, 0 = leave). Payload: the definition.
# Exit 3: it is not ours. Exit 4: a tool failed. Exit 5: it did not shut down within three minutes; nothing was changed.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -u
umask 022
folder=$arg_dir/$arg_name
case $arg_driver in lxc) uri=lxc:/// ;; *) uri=qemu:///system ;; esac
owned() {
    virsh -q -c "$uri" dumpxml --inactive "$arg_name" 2>/dev/null | grep -Eq "lineage=['\"]${arg_lineage}['\"]"
}

stopped() {
    case $(virsh -q -c "$uri" domstate "$arg_name") in
    'shut off'* | crashed*) return 0 ;;
    esac
    return 1
}

# grow FILE BYTES: never shrinks.
grow() {
    [ -f "$1" ] && [ "$2" -gt 0 ] || return 0
    case $1 in
    *.qcow2)
        # The virtual size is eight bytes of the header, most significant first.
        now=$(od -An -tu1 -j24 -N8 "$1" | awk '{ for (i = 1; i <= NF; i++) n = n * 256 + $i } END { printf "%.0f", n }')
        [ "$2" -gt "$now" ] || return 0
        qemu-img resize -q -f qcow2 "$1" "$2" || exit 4
        ;;
    *)
        [ "$2" -gt "$(($(wc -c <"$1")))" ] || return 0
        truncate -s "$2" "$1" || exit 4
        ;;
    esac
    echo "grown $1 $2"
}

owned || {
    echo "the guest $arg_name is not ours" >&2
    exit 3
}
cat >"$folder/definition.new" || exit 4
waited=0
while ! stopped; do
    # A guest that was busy starting does not hear the first one.
    if [ $((waited % 30)) -eq 0 ]; then virsh -q -c "$uri" shutdown "$arg_name" >/dev/null 2>&1; fi
    [ "$waited" -lt 180 ] || {
        echo "$arg_name did not shut down" >&2
        exit 5
    }
    sleep 1
    waited=$((waited + 1))
done
grow "$folder/system.qcow2" "$arg_system"
grow "$arg_data_dir/data.raw" "$arg_data"
grow "$folder/disks/vdb.img" "$arg_data"
virsh -q -c "$uri" define "$folder/definition.new" || exit 4
rm -f "$folder/definition.new"
virsh -q -c "$uri" start "$arg_name" || exit 4
echo "running $arg_name"
