# Sets up the timer that takes the lead of etcd back from a slow witness, or takes it away.
# Args: action (install or remove). On stdin, to install: for each file `== PATH MODE OWNER` and its lines behind bars;
# `== end` comes last.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
umask 077
name=wizard-etcd-leader
units=/etc/systemd/system
stage=/run/wizard/etcd-guard

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
    cat "$stage/$1" >"$2.new"
    chown "$4" "$2.new"
    chmod "$3" "$2.new"
    mv -f "$2.new" "$2"
}

case $arg_action in
install)
    receive
    mkdir -p /usr/local/sbin
    number=0
    while read -r path mode owner; do
        number=$((number + 1))
        place "$number" "$path" "$mode" "$owner"
    done <"$stage/list"
    rm -rf "$stage"
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
