# Holds this host for one run: the kernel's lock on descriptor 9 lives as long as this shell, which lives as long as
# its stdin does and something comes on it every arg_silence seconds. Nothing is started here that could keep the lock.
# lock.holder tells who holds it or, when nobody does, who held it last: a run whose link broke (arg_again=yes) learns
# from it whether anybody else was here meanwhile.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
wizard_run=/run/wizard
wizard_holder=$wizard_run/lock.holder
command -v flock >/dev/null 2>&1 || {
    echo "missing tool: flock" >&2
    exit 96
}
[ -d "$wizard_run" ] || mkdir -m 700 "$wizard_run" || [ -d "$wizard_run" ] || exit 95
exec 9>>"$wizard_run/lock"
if ! flock -n 9; then
    echo busy
    cat "$wizard_holder" 2>/dev/null 9>&-
    exit 75
fi

if [ "$arg_again" = yes ] && [ -s "$wizard_holder" ] && ! grep -qx "run=$arg_run" "$wizard_holder"; then
    echo taken
    cat "$wizard_holder"
    exit 79
fi

if [ -e /etc/unraid-version ]; then
    wizard_marker=/boot/config/wizard/marker
else
    wizard_marker=/var/lib/wizard/marker
fi
if [ -f "$wizard_marker" ]; then
    wizard_lineage=$(sed -n 's/^lineage=//p' "$wizard_marker" | head -n 1)
    wizard_serial=$(sed -n 's/^serial=//p' "$wizard_marker" | head -n 1)
    case $wizard_serial in '' | *[!0-9]*) wizard_serial=0 ;; esac
    if [ "$wizard_lineage" != "$arg_lineage" ]; then
        echo foreign
        sed -n '/^name=/p; /^lineage=/p' "$wizard_marker"
        exit 76
    elif [ "$wizard_serial" -gt "$arg_serial" ]; then
        echo newer
        echo "serial=$wizard_serial"
        exit 77
    elif [ "$wizard_serial" -lt "$arg_serial" ]; then
        sed "s/^serial=.*/serial=$arg_serial/" "$wizard_marker" >"$wizard_marker.new" || exit 78
        # FAT keeps no modes.
        chmod 644 "$wizard_marker.new" 2>/dev/null || true
        mv -f "$wizard_marker.new" "$wizard_marker" || exit 78
    fi
fi

wizard_since=$(date -u '+%Y-%m-%d %H:%M:%S UTC')
printf 'run=%s\nholder=%s\nsince=%s\n' "$arg_run" "$arg_holder" "$wizard_since" >"$wizard_holder" || exit 78
echo held
while [ "$(timeout "$arg_silence" head -c 1 9>&- | wc -c 9>&-)" -eq 1 ]; do
    :
done
