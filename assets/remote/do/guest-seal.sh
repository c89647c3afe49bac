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
# disc HOW...: what the running guest has in its drive. One that is off takes the new seed when it starts.
disc() { virsh -q -c qemu:///system change-media "$arg_name" sda "$@" --live --force >/dev/null 2>&1 || :; }

cat >"$folder/seed.new" || exit 4
if [ -s "$folder/seed.new" ]; then
    # Taken out first: QEMU would hold the old file, key and all, for as long as it runs.
    disc --eject
    mv "$folder/seed.new" "$folder/seed.iso" || exit 4
    disc "$folder/seed.iso" --insert
fi
rm -f "$folder/seed.new"
: >"$folder/booted" || exit 4
echo "sealed $arg_name"
