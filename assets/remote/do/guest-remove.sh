# Removes a guest of ours with its disks; a block device given to it is left alone. Args: driver, dir, name, lineage,
# data_dir. Exit 3: a guest or folder of that name is not ours: nothing was touched. Exit 4: a tool failed.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -u
folder=$arg_dir/$arg_name
case $arg_driver in
lxc) uri=lxc:/// other=qemu:///system ;;
*) uri=qemu:///system other=lxc:/// ;;
esac

foreign() {
    echo "$1 is not ours" >&2
    exit 3
}

# there URI: whether a guest of the name is known there; 2 = nobody answers.
there() {
    known=$(virsh -q -c "$1" list --all --name 2>/dev/null) || return 2
    printf '%s\n' "$known" | grep -Fqx "$arg_name"
}

stopped() {
    case $(virsh -q -c "$uri" domstate "$arg_name") in 'shut off'* | crashed*) return 0 ;; esac
    return 1
}

# A folder is only deleted when it is certain that no guest runs from it.
there "$uri"
found=$?
if [ "$found" -eq 2 ]; then
    echo "libvirt does not answer" >&2
    exit 4
fi
if there "$other"; then foreign "the guest $arg_name of $other"; fi
if [ "$found" -eq 0 ]; then
    virsh -q -c "$uri" dumpxml --inactive "$arg_name" 2>/dev/null | grep -Eq "lineage=['\"]${arg_lineage}['\"]" ||
        foreign "the guest $arg_name"
fi
for place in "$folder" "$arg_data_dir"; do
    if [ -e "$place" ]; then grep -qx "lineage=$arg_lineage" "$place/owner" 2>/dev/null || foreign "$place"; fi
done

if [ "$found" -eq 0 ]; then
    waited=0
    while ! stopped && [ "$waited" -lt 60 ]; do
        if [ $((waited % 30)) -eq 0 ]; then virsh -q -c "$uri" shutdown "$arg_name" >/dev/null 2>&1; fi
        sleep 1
        waited=$((waited + 1))
    done
    stopped || virsh -q -c "$uri" destroy "$arg_name" || exit 4
    case $arg_driver in
    lxc) virsh -q -c "$uri" undefine "$arg_name" || exit 4 ;;
    *) virsh -q -c "$uri" undefine --nvram "$arg_name" || exit 4 ;;
    esac
fi
# The owner's name goes last: a removal that was cut off is ours to take up again.
for place in "$folder" "$arg_data_dir"; do
    [ -d "$place" ] || continue
    find "$place" -xdev -mindepth 1 -maxdepth 1 ! -name owner -exec rm -rf {} + || exit 4
    rm -f "$place/owner" || exit 4
    rmdir "$place" || exit 4
done
echo "removed $arg_name"
