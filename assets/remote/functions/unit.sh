# A unit of systemd that is started, and waited for.
# Stands before a script that says `# uses functions/unit`.
# shellcheck shell=sh

# state UNIT: `active`, `activating` ...
state() { systemctl show -p ActiveState --value "$1" 2>/dev/null; }

# wait_for_start UNIT SECONDS: until it is up, or has given up, or our time is over.
wait_for_start() {
    left=$2
    while [ "$left" -gt 0 ] && [ "$(state "$1")" = activating ]; do
        sleep 1
        left=$((left - 1))
    done
}

pid() { systemctl show -p MainPID --value "$1"; }

# restart_unit UNIT: does not wait until it is up. But whoever looks next must not take the old process for the new one.
restart_unit() {
    before=$(pid "$1")
    systemctl reset-failed "$1" 2>/dev/null || true
    systemctl restart --no-block "$1"
    left=70
    while [ "$left" -gt 0 ] && [ "$(pid "$1")" = "$before" ] && [ "$before" != 0 ]; do
        sleep 1
        left=$((left - 1))
    done
}
