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
printf 'name=%s\nlineage=%s\nserial=%s\n' "$arg_name" "$arg_lineage" "$arg_serial" >"$marker.new"
sync "$marker.new" 2>/dev/null || sync
mv -f "$marker.new" "$marker"
cat "$marker"
