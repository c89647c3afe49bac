# Lets a guest of ours start with its host. Args: driver, name, lineage.
# Exit 3: it is not ours. Exit 4: libvirt refused.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -u
case $arg_driver in lxc) uri=lxc:/// ;; *) uri=qemu:///system ;; esac
owned() {
    virsh -q -c "$uri" dumpxml --inactive "$arg_name" 2>/dev/null | grep -Eq "lineage=['\"]${arg_lineage}['\"]"
}

owned || {
    echo "the guest $arg_name is not ours" >&2
    exit 3
}
virsh -q -c "$uri" autostart "$arg_name" || exit 4
echo "autostart $arg_name"
