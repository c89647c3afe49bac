# Sets keepalived up on a server, tries its configuration before it is put in place, and starts it, now and at every boot.
# On stdin, for each file `== PATH MODE OWNER` and its lines behind bars; `== end` comes last.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
umask 022
unit=keepalived.service
conf=/etc/keepalived/keepalived.conf
stage=/run/wizard/keepalived-files
changed=

# Nothing is put in place before everything is here.
receive() {
    rm -rf "$stage"
    mkdir -p "$stage"
    count=0
    while IFS= read -r line; do
        case $line in
        '== end') return 0 ;;
        '== '*)
            count=$((count + 1))
            printf '%s\n' "${line#== }" >>"$stage/list"
            : >"$stage/$count"
            ;;
        '|'*) printf '%s\n' "${line#|}" >>"$stage/$count" ;;
        *) break ;;
        esac
    done
    rm -rf "$stage"
    echo "the files did not arrive whole"
    exit 5
}

# place NUMBER PATH MODE OWNER
place() {
    if [ -f "$2" ] && [ ! -L "$2" ] && cmp -s "$stage/$1" "$2" && [ "$(stat -c '%a %U:%G' "$2")" = "$3 $4" ]; then
        return 0
    fi
    mkdir -p "$(dirname "$2")"
    cat "$stage/$1" >"$2.new"
    chown "$4" "$2.new"
    chmod "$3" "$2.new"
    sync "$2.new" 2>/dev/null || sync
    mv -f "$2.new" "$2"
    changed=yes
    echo "wrote $2"
}

# The script it names lies in its place by then.
try() {
    if said=$(timeout -s KILL 20 keepalived --config-test --use-file="$1" 2>&1); then return 0; fi
    printf '%s\n' "$said" | tail -n 5 | cut -c 1-300
    rm -rf "$stage"
    echo "keepalived does not take its configuration"
    exit 3
}

command -v keepalived >/dev/null 2>&1 || {
    echo "keepalived is not installed"
    exit 4
}
receive
number=0
while read -r path mode owner; do
    number=$((number + 1))
    if [ "$path" = "$conf" ]; then try "$stage/$number"; fi
    place "$number" "$path" "$mode" "$owner"
done <"$stage/list"
rm -rf "$stage"
# This also makes systemd read the unit again, should it know it by an older text.
systemctl daemon-reload
systemctl enable --quiet "$unit"
if [ -n "$changed" ] || [ "$(systemctl show -p ActiveState --value "$unit")" != active ]; then
    systemctl reset-failed "$unit" 2>/dev/null || true
    systemctl restart "$unit"
    echo started
else
    echo running
fi
