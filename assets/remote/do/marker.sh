# Leaves the wizard's marker on the host: which cluster it belongs to and how new a state it has seen.
# Args: name, lineage, serial. A marker of another lineage is never replaced.
# Unraid keeps only /boot (flash) over a reboot, so the marker lies there.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
umask 022
folder=/var/lib/wizard
[ ! -f /etc/unraid-version ] || folder=/boot/config/wizard
marker=$folder/marker
if [ -f "$marker" ] && ! grep -qx "lineage=$arg_lineage" "$marker"; then
	echo "the marker $marker belongs to another cluster: $(sed -n 's/^name=//p' "$marker")" >&2
	exit 3
fi
mkdir -p "$folder"

# Not every shell says why it could not write: whether there was room is found out here. $1: what the shell said.
refuse() {
	rm -f "$marker.new"
	free=$(df -Pk "$folder" 2>/dev/null | awk 'NR == 2 { print $4 }')
	inodes=$(df -Pi "$folder" 2>/dev/null | awk 'NR == 2 { print $4 }')
	# Nothing smaller than one block of 4 KiB can be had on the usual file systems. FAT and btrfs count no inodes.
	if [ "${free:-4}" -lt 4 ]; then
		echo "no room left on $folder: $free KiB free" >&2
	elif [ "$inodes" = 0 ] && [ "$(df -Pi "$folder" | awk 'NR == 2 { print $2 }')" != 0 ]; then
		echo "no room left on $folder: no inode free, $free KiB free" >&2
	else
		echo "cannot write $marker: ${1:-no reason was given}" >&2
	fi
	exit 1
}

said=$({ printf 'name=%s\nlineage=%s\nserial=%s\n' "$arg_name" "$arg_lineage" "$arg_serial" >"$marker.new"; } 2>&1) ||
	refuse "$said"
sync "$marker.new" 2>/dev/null || sync
mv -f "$marker.new" "$marker"
cat "$marker"
