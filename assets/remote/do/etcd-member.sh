# Changes the list of members, on a healthy one of them. Each action first looks whether it was done already.
# Args: action (replace, promote or update), name, peer and client (URLs) of the member it is about, others (client URLs,
# comma-separated, of the members that must be healthy).
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
pki=/etc/etcd/pki

ask() {
    timeout -s KILL 25 /usr/local/bin/etcdctl --endpoints="$arg_others" --cacert=$pki/ca.crt --cert=$pki/root.crt \
        --key=$pki/root.key --dial-timeout=3s --command-timeout=15s "$@" 2>&1
}

# id, status, name, peer URLs, client URLs and whether it is a learner, of the member this is about.
look() {
    list=$(ask member list) || {
        printf '%s\n' "$list" | cut -c 1-300
        echo "the list of members cannot be had"
        exit 3
    }
    row=$(printf '%s\n' "$list" | awk -F ', ' -v name="$arg_name" -v peer="$arg_peer" '$3 == name || $4 == peer { print; exit }')
    id=${row%%,*}
    learner=no
    case $row in *', true') learner=yes ;; esac
}

others_healthy() {
    said=$(ask endpoint health) || {
        printf '%s\n' "$said" | grep -v 'is healthy' | cut -c 1-300
        echo "another member is not healthy: the list is left as it is"
        exit 3
    }
}

alive() {
    timeout -s KILL 15 /usr/local/bin/etcdctl --endpoints="$arg_client" --cacert=$pki/ca.crt --cert=$pki/root.crt \
        --key=$pki/root.key --dial-timeout=3s --command-timeout=6s endpoint health >/dev/null 2>&1
}

# The server refuses for a few seconds after a change of the list, and after an election.
patiently() {
    left=$1
    shift
    until said=$(ask "$@"); do
        left=$((left - 1))
        case $said in
        *'unhealthy cluster'* | *'in sync with leader'* | *'too many learner'* | *'timed out'* | *deadline* | *'leader changed'*) ;;
        *) left=0 ;;
        esac
        if [ "$left" -le 0 ]; then
            printf '%s\n' "$said" | cut -c 1-300
            return 1
        fi
        echo "waiting: $(printf '%s' "$said" | tail -n 1 | sed 's/.*rpc error: //; s/^Error: //' | cut -c 1-200)"
        sleep 1
    done
}

replace() {
    others_healthy
    # A voter that answers has its data: an earlier attempt came to its end.
    if [ -n "$row" ] && [ $learner = no ] && ! alive; then
        patiently 60 member remove "$id" || exit 5
        echo "removed $id"
        row=
    fi
    if [ -z "$row" ]; then
        patiently 60 member add "$arg_name" --learner "--peer-urls=$arg_peer" || exit 5
        look
        echo "added $id"
    else
        echo "kept $id"
    fi
}

promote() {
    if [ -z "$row" ]; then
        echo "$arg_name is not in the list of members"
        exit 4
    elif [ $learner = no ]; then
        echo "voter $id"
    else
        patiently 120 member promote "$id" || exit 5
        echo "promoted $id"
    fi
}

update() {
    if [ -z "$row" ]; then
        echo "$arg_name is not in the list of members"
        exit 4
    fi
    others_healthy
    patiently 60 member update "$id" "--peer-urls=$arg_peer" || exit 5
    echo "updated $id"
}

look
case $arg_action in
replace) replace ;;
promote) promote ;;
update) update ;;
esac
echo "id=$id"
