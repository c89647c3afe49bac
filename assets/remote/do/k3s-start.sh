# Enables K3s on this node and starts it, or restarts it, without waiting for it: whoever waits looks how it stands.
# Args: action (start or restart), unit.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
pid() { systemctl show -p MainPID --value "$arg_unit"; }

# This also makes systemd read the unit again, should it know it by an older text.
systemctl enable --quiet "$arg_unit"
if [ "$arg_action" = start ] && [ "$(systemctl show -p ActiveState --value "$arg_unit")" = active ]; then
    echo running
    exit 0
fi
# What it says from here on counts when one asks why it is not up.
mkdir -p /run/wizard
date +%s >/run/wizard/k3s-started
systemctl reset-failed "$arg_unit" 2>/dev/null || true
if [ "$arg_action" = start ]; then
    systemctl start --no-block "$arg_unit"
    echo started
    exit 0
fi
before=$(pid)
systemctl restart --no-block "$arg_unit"
# Whoever looks next must not take the old process for the new one.
left=70
while [ "$left" -gt 0 ] && [ "$(pid)" = "$before" ] && [ "$before" != 0 ]; do
    sleep 1
    left=$((left - 1))
done
echo restarted
