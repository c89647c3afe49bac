# Starts the member, or restarts it, without waiting for it: the first ones are only up when there is a quorum.
# Args: action (start or restart), others (client URLs, comma-separated, of members that must be healthy before).
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
pki=/etc/etcd/pki

healthy() {
    timeout -s KILL 20 /usr/local/bin/etcdctl --endpoints="$arg_others" --cacert=$pki/ca.crt --cert=$pki/doctor.crt \
        --key=$pki/doctor.key --dial-timeout=3s --command-timeout=6s endpoint health 2>&1
}

if [ -n "$arg_others" ]; then
    said=$(healthy) || {
        printf '%s\n' "$said" | grep -v 'is healthy' | cut -c 1-300
        echo "another member is not healthy: with this one down too there would be no quorum"
        exit 3
    }
fi
# This also makes systemd read the unit again, should it know it by an older text.
systemctl enable --quiet etcd.service
pid() { systemctl show -p MainPID --value etcd.service; }

if [ "$arg_action" = restart ]; then
    before=$(pid)
    systemctl reset-failed etcd.service 2>/dev/null || true
    systemctl restart --no-block etcd.service
    # Whoever looks next must not take the old process for the new one.
    left=70
    while [ "$left" -gt 0 ] && [ "$(pid)" = "$before" ] && [ "$before" != 0 ]; do
        sleep 1
        left=$((left - 1))
    done
    echo restarted
elif [ "$(systemctl show -p ActiveState --value etcd.service)" = active ]; then
    echo running
else
    systemctl reset-failed etcd.service 2>/dev/null || true
    systemctl start --no-block etcd.service
    echo started
fi
