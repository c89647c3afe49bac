# Sets up the timer that takes the lead of etcd back from a slow witness, or takes it away.
# Args: action (install or remove). On stdin, to install: for each file `== PATH MODE OWNER` and its lines behind bars;
# `== end` comes last.
# uses functions/files
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
umask 077
name=wizard-etcd-leader
units=/etc/systemd/system

case $arg_action in
install)
    receive /run/wizard/etcd-guard
    mkdir -p /usr/local/sbin
    each_file place
    systemctl daemon-reload
    systemctl enable --quiet "$name.timer"
    # Anew, so that it goes by the timer as it is now.
    systemctl restart "$name.timer"
    echo watching
    ;;
remove)
    if [ -e "$units/$name.timer" ]; then systemctl disable --quiet --now "$name.timer"; fi
    rm -f "$units/$name.timer" "$units/$name.service" "/usr/local/sbin/$name"
    systemctl daemon-reload
    echo removed
    ;;
esac
