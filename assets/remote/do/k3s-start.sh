# Enables K3s on this node and starts it, or restarts it, without waiting for it: whoever waits looks how it stands.
# Args: action (start or restart), unit.
# uses functions/unit
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu

# This also makes systemd read the unit again, should it know it by an older text.
systemctl enable --quiet "$arg_unit"
if [ "$arg_action" = start ] && [ "$(state "$arg_unit")" = active ]; then
    echo running
    exit 0
fi
# What it says from here on counts when one asks why it is not up.
mkdir -p /run/wizard
date +%s >/run/wizard/k3s-started
if [ "$arg_action" = start ]; then
    systemctl reset-failed "$arg_unit" 2>/dev/null || true
    systemctl start --no-block "$arg_unit"
    echo started
    exit 0
fi
restart_unit "$arg_unit"
echo restarted
