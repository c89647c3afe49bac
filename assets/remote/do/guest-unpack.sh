# Makes a libvirt LXC guest: unpacks its root, lays first-boot files over it, makes its disks, defines and starts it.
# Args: driver, dir, name, lineage, base (path of the root's tar.gz), system (bytes), data (bytes, 0 = none), serial, uuid,
# xml (bytes). Payload: the definition (exactly `xml` bytes), then a tar of the first-boot files.
# Exit 3: a guest or folder of that name is not ours. Exit 4: a tool failed.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -u
umask 022
uri=lxc:///
folder=$arg_dir/$arg_name
unpacked=${arg_base%.tar.gz}

fail() {
    echo "$2" >&2
    exit "$1"
}

if virsh -q -c "$uri" dominfo "$arg_name" >/dev/null 2>&1; then
    virsh -q -c "$uri" dumpxml --inactive "$arg_name" | grep -Eq "lineage=['\"]${arg_lineage}['\"]" ||
        fail 3 "the guest $arg_name is there and is not ours"
fi
if [ -e "$folder" ]; then
    grep -qx "lineage=$arg_lineage" "$folder/owner" 2>/dev/null || fail 3 "$folder is there and is not ours"
else
    mkdir -m 711 "$folder" || fail 4 "cannot make $folder"
    printf 'lineage=%s\nname=%s\n' "$arg_lineage" "$arg_name" >"$folder/owner.new" || fail 4 "cannot write to $folder"
    mv "$folder/owner.new" "$folder/owner" || fail 4 "cannot write to $folder"
fi

dd bs="$arg_xml" count=1 2>/dev/null >"$folder/definition.new" || fail 4 "cannot write to $folder"
if [ ! -d "$unpacked" ]; then
    rm -rf "$unpacked.new"
    mkdir "$unpacked.new" || fail 4 "cannot make $unpacked.new"
    tar -xzp --numeric-owner -C "$unpacked.new" -f "$arg_base" || fail 4 "cannot unpack $arg_base"
    mv "$unpacked.new" "$unpacked"
fi
if [ ! -d "$folder/root" ]; then
    rm -rf "$folder/root.new"
    mkdir "$folder/root.new" || fail 4 "cannot make $folder/root.new"
    cp -a --reflink=auto "$unpacked/." "$folder/root.new/" || fail 4 "cannot copy the root"
    tar -xp --numeric-owner -C "$folder/root.new" || fail 4 "cannot lay out the first-boot files"
    mv "$folder/root.new" "$folder/root"
fi
mkdir -p "$folder/disks"
echo "$arg_system" >"$folder/disks/vda.size"
if [ "$arg_data" -gt 0 ] && [ ! -e "$folder/disks/vdb.img" ]; then
    truncate -s "$arg_data" "$folder/disks/vdb.new" || fail 4 "cannot make the data disk"
    mke2fs -q -F -t ext4 -U "$arg_uuid" "$folder/disks/vdb.new" || fail 4 "cannot make the data disk"
    echo "$arg_serial" >"$folder/disks/vdb.serial"
    mv "$folder/disks/vdb.new" "$folder/disks/vdb.img"
fi
virsh -q -c "$uri" define "$folder/definition.new" || fail 4 "libvirt refused the definition of $arg_name"
rm -f "$folder/definition.new"
virsh -q -c "$uri" autostart "$arg_name" || fail 4 "libvirt refused to let $arg_name start by itself"
case $(virsh -q -c "$uri" domstate "$arg_name") in
running*) ;;
*) virsh -q -c "$uri" start "$arg_name" || fail 4 "$arg_name did not start" ;;
esac
echo "running $arg_name"
