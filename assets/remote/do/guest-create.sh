# Makes a virtual machine: folder, overlay over the base image, data image, seed, definition; then starts it.
# Args: driver, dir, name, lineage, base (path), system (bytes), data (bytes, 0 = no image), data_dir, xml (bytes).
# Payload: the definition (exactly `xml` bytes), then the seed image. What is there already is kept.
# Exit 3: a guest or folder of that name is not ours. Exit 4: a tool failed.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -u
umask 022
uri=qemu:///system
folder=$arg_dir/$arg_name

fail() {
    echo "$2" >&2
    exit "$1"
}

# claim FOLDER: ours from the first moment, or not touched.
claim() {
    if [ -e "$1" ]; then
        grep -qx "lineage=$arg_lineage" "$1/owner" 2>/dev/null || fail 3 "$1 is there and is not ours"
        return 0
    fi
    mkdir -p "$(dirname "$1")" || fail 4 "cannot make $1"
    mkdir -m 711 "$1" || fail 4 "cannot make $1"
    # Copy-on-write below a disk image only costs: btrfs can be told so while the folder is empty.
    chattr +C "$1" 2>/dev/null || :
    printf 'lineage=%s\nname=%s\n' "$arg_lineage" "$arg_name" >"$1/owner.new" || fail 4 "cannot write to $1"
    mv "$1/owner.new" "$1/owner" || fail 4 "cannot write to $1"
}

if virsh -q -c "$uri" dominfo "$arg_name" >/dev/null 2>&1; then
    virsh -q -c "$uri" dumpxml --inactive "$arg_name" | grep -Eq "lineage=['\"]${arg_lineage}['\"]" ||
        fail 3 "the guest $arg_name is there and is not ours"
fi
claim "$folder"
if [ "$arg_data" -gt 0 ]; then claim "$arg_data_dir"; fi

dd bs="$arg_xml" count=1 2>/dev/null >"$folder/definition.new" || fail 4 "cannot write to $folder"
(umask 077 && cat >"$folder/seed.new") || fail 4 "cannot write to $folder"
mv "$folder/seed.new" "$folder/seed.iso" || fail 4 "cannot write to $folder"
if [ ! -e "$folder/system.qcow2" ]; then
    qemu-img create -q -f qcow2 -F qcow2 -b "$arg_base" "$folder/system.new" "$arg_system" || fail 4 "qemu-img failed"
    mv "$folder/system.new" "$folder/system.qcow2"
fi
if [ "$arg_data" -gt 0 ] && [ ! -e "$arg_data_dir/data.raw" ]; then
    qemu-img create -q -f raw "$arg_data_dir/data.new" "$arg_data" || fail 4 "qemu-img failed"
    mv "$arg_data_dir/data.new" "$arg_data_dir/data.raw"
fi
virsh -q -c "$uri" define "$folder/definition.new" || fail 4 "libvirt refused the definition of $arg_name"
rm -f "$folder/definition.new"
virsh -q -c "$uri" autostart "$arg_name" || fail 4 "libvirt refused to let $arg_name start by itself"
case $(virsh -q -c "$uri" domstate "$arg_name") in
running*) ;;
*) virsh -q -c "$uri" start "$arg_name" || fail 4 "$arg_name did not start" ;;
esac
echo "running $arg_name"
