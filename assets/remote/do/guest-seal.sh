# The first boot has ended: the seed that brought the guest's private key gives way to one without it.
# Args: driver, dir, name, lineage. Payload: the new seed image; empty where the driver has none.
# Exit 3: the guest's folder is not ours. Exit 4: a tool failed.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -u
umask 077
folder=$arg_dir/$arg_name
grep -qx "lineage=$arg_lineage" "$folder/owner" 2>/dev/null || {
    echo "$folder is not ours" >&2
    exit 3
}
cat >"$folder/seed.new" || exit 4
if [ -s "$folder/seed.new" ]; then
    mv "$folder/seed.new" "$folder/seed.iso" || exit 4
    # The running guest lets go of the old one, whose name is gone already; if it will not, its next start does.
    virsh -q -c qemu:///system change-media "$arg_name" sda "$folder/seed.iso" --update --live --force >/dev/null 2>&1 || :
fi
rm -f "$folder/seed.new"
: >"$folder/booted" || exit 4
echo "sealed $arg_name"
