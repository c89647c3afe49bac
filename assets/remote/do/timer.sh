# Sets up a script that a timer runs, or takes it away.
# Args: action (install or remove), name (of the script and of its units), settings (its folder below /etc/homelab; empty:
# it has none). On stdin, to install: for each file `== PATH MODE OWNER` and its lines behind bars; `== end` comes last.
# uses functions/files
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
umask 077
name=$arg_name
units=/etc/systemd/system
settings=${arg_settings:+/etc/homelab/$arg_settings}

case $arg_action in
install)
    receive "/run/wizard/$name"
    mkdir -p /usr/local/sbin
    if [ -n "$settings" ]; then
        (umask 022 && mkdir -p /etc/homelab)
        mkdir -p "$settings"
    fi
    each_file place
    systemctl daemon-reload
    systemctl enable --quiet "$name.timer"
    # Anew, so that it goes by the timer as it is now.
    systemctl restart "$name.timer"
    echo "$name.timer is on"
    ;;
remove)
    if [ -e "$units/$name.timer" ]; then systemctl disable --quiet --now "$name.timer"; fi
    rm -f "$units/$name.timer" "$units/$name.service" "/usr/local/sbin/$name"
    if [ -n "$settings" ]; then rm -rf "$settings"; fi
    systemctl daemon-reload
    echo removed
    ;;
esac
