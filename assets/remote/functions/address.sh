# A server's part in the address of the API: what is set up, whether it runs, who has the address and who answers there.
# Stands behind functions/answer, before a script that says `# uses functions/address`.
# shellcheck shell=sh
conf=/etc/keepalived/keepalived.conf
api_ready=/etc/homelab/api-ready
drop_in=/etc/systemd/system/keepalived.service.d/10-homelab.conf

# nic_of ADDRESS: the interface that has it; nothing where none has it.
nic_of() { ip -o -4 address show to "$1/32" 2>/dev/null | awk '{ print $2; exit }'; }

keepalived_files() {
    section "keepalived files"
    listed "$api_ready" "$drop_in" "$conf"
    if [ -f "$conf" ]; then
        section "file $conf"
        bars <"$conf"
    fi
}

# What keepalived said last of its own state, since it was last started.
keepalived_unit() {
    section keepalived
    have systemctl || return 0
    bounded 5 systemctl show -p LoadState,ActiveState,SubState,Result,UnitFileState,NRestarts,NeedDaemonReload \
        keepalived.service 2>/dev/null | bars
    started=$(bounded 5 systemctl show -p InvocationID --value keepalived.service 2>/dev/null)
    [ -n "$started" ] && have journalctl || return 0
    bounded 5 journalctl -b "_SYSTEMD_INVOCATION_ID=$started" -n 200 -o cat --no-pager 2>/dev/null | awk '
        { last = $0 }
        # It begins without the address: while its script has never succeeded it enters nothing.
        /^VRRP_Script\(.*\) failed/ { state = "FAULT" }
        /Entering (MASTER|BACKUP|FAULT) STATE/ { match($0, /Entering [A-Z]+/); state = substr($0, RSTART + 9, RLENGTH - 9) }
        END { if (state) print "|state=" state; if (last) print "|said=" substr(last, 1, 300) }'
}

# tell NAME COMMAND...: NAME=yes, or its last words.
tell() {
    name=$1
    shift
    if said=$(bounded 8 "$@" 2>&1); then
        printf '|%s=yes\n' "$name"
    else
        printf '|%s=no\n|%s_said=%s\n' "$name" "$name" "$(printf '%s' "$said" | tail -n 1 | cut -c 1-300)"
    fi
}

# whose OWN ADDRESS: who has the address, and who answers there.
whose() {
    section address
    if have keepalived; then echo '|installed=1'; fi
    nic=$(nic_of "$1")
    held=$(nic_of "$2")
    [ -z "$nic" ] || printf '|nic=%s\n|mac=%s\n' "$nic" "$(cat "/sys/class/net/$nic/address")"
    [ -z "$held" ] || printf '|held=%s\n' "$held"
    if [ -x "$api_ready" ]; then
        tell ready "$api_ready"
        tell answers "$api_ready" "$2"
    fi
    # Whose card answered just now.
    if [ -z "$held" ]; then
        ip -4 neigh show to "$2" 2>/dev/null | awk '
            { for (i = 1; i < NF; i++) if ($i == "lladdr" && $NF != "FAILED") { print "|at=" tolower($(i + 1)); exit } }'
    fi
}

# shared_address OWN ADDRESS: all of it.
shared_address() {
    keepalived_files
    keepalived_unit
    whose "$1" "$2"
}
