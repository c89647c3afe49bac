# Starts the member, or restarts it, without waiting for it: the first ones are only up when there is a quorum.
# Args: action (start or restart), others (client URLs, comma-separated, of members that must be healthy before).
# uses functions/unit
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
pki=/etc/etcd/pki
here=https://127.0.0.1:2379

# ask ENDPOINTS COMMAND...
ask() {
    endpoints=$1
    shift
    timeout -s KILL 20 /usr/local/bin/etcdctl --endpoints="$endpoints" --cacert=$pki/ca.crt --cert=$pki/root.crt \
        --key=$pki/root.key --dial-timeout=3s --command-timeout=6s "$@" 2>&1
}

# The id of a member, and whether it leads: the first yes or no in its row.
status_of() {
    ask "$1" endpoint status | awk -F ', ' '
        { for (i = 3; i <= NF; i++) if ($i == "true" || $i == "false") { print $2, $i; exit } }'
}

# A leader that ends costs the others an election; one that hands over costs nothing. The first that takes it has it.
hand_over() {
    case $(status_of "$here") in
    *' true') ;;
    *) return 0 ;;
    esac
    for other in $(printf '%s' "$arg_others" | tr ',' ' '); do
        to=$(status_of "$other")
        [ -n "$to" ] || continue
        if said=$(ask "$here" move-leader "${to%% *}"); then
            echo "handed over to ${to%% *}"
            return 0
        fi
    done
    printf '%s\n' "$said" | tail -n 1 | cut -c 1-300
    echo "nobody takes the lead over: nothing was restarted"
    exit 4
}

if [ -n "$arg_others" ]; then
    said=$(ask "$arg_others" endpoint health) || {
        printf '%s\n' "$said" | grep -v 'is healthy' | cut -c 1-300
        echo "another member is not healthy: with this one down too there would be no quorum"
        exit 3
    }
fi
# This also makes systemd read the unit again, should it know it by an older text.
systemctl enable --quiet etcd.service
if [ "$arg_action" = restart ]; then
    if [ -n "$arg_others" ]; then hand_over; fi
    restart_unit etcd.service
    echo restarted
elif [ "$(state etcd.service)" = active ]; then
    echo running
else
    systemctl reset-failed etcd.service 2>/dev/null || true
    systemctl start --no-block etcd.service
    echo started
fi
