# Sets keepalived up on a server, tries its configuration before it is put in place, and starts it, now and at every boot.
# On stdin, for each file `== PATH MODE OWNER` and its lines behind bars; `== end` comes last.
# uses functions/files
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
umask 022
unit=keepalived.service
conf=/etc/keepalived/keepalived.conf
changed=

put() {
    if [ "$2" = "$conf" ]; then try "$stage/$1"; fi
    mkdir -p "$(dirname "$2")"
    place "$@"
    if [ "$placed" = wrote ]; then
        changed=yes
        echo "wrote $2"
    fi
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
receive /run/wizard/keepalived-files
each_file put
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
