# One node of K3s in one answer: what is installed, how it is set up, whether it runs, and whose node it is.
# Of a server also how it takes part in the address of the API.
# Args: wait (seconds to wait for a starting unit), own and address as of read/keepalived (both empty: that is not asked).
# Reads only. Sections as in read/facts; what is missing is simply absent.
# uses functions/answer
# uses functions/unit
# uses functions/address
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
data=/var/lib/rancher/k3s
config=/etc/rancher/k3s/config.yaml
home=/etc/homelab
program=/usr/local/bin/k3s
note=$home/k3s-programs

# The unit that counts: the one that is enabled or runs.
unit_of() {
    for name in k3s-agent k3s; do
        case $(systemctl is-enabled "$name.service" 2>/dev/null) in enabled*)
            echo "$name"
            return
            ;;
        esac
    done
    for name in k3s k3s-agent; do
        case $(systemctl show -p ActiveState --value "$name.service" 2>/dev/null) in
        '' | inactive) ;;
        *)
            echo "$name"
            return
            ;;
        esac
    done
    if [ -f /etc/systemd/system/k3s-agent.service ]; then echo k3s-agent; else echo k3s; fi
}

# Hashing some 300 MB at every look would take seconds: a digest that was noted counts while the file is as it was then.
digests() {
    section programs
    for file in "$program" "$data"/agent/images/*; do
        [ -f "$file" ] || continue
        known=$(stat -c '%s %Y %i' "$file")
        digest=$(awk -v file="$file" -v known="$known" '$5 == file && $2 " " $3 " " $4 == known { print $1 }' "$note" 2>/dev/null)
        [ -n "$digest" ] || digest=$(bounded 30 sha256sum "$file" | cut -d ' ' -f 1)
        printf '|%s %s\n' "${digest:-unknown}" "$file"
    done
    if [ -x "$program" ]; then
        printf '|version=%s\n' "$(bounded 10 "$program" --version 2>/dev/null | sed -n 's/^k3s version \([^ ]*\).*/\1/p')"
    fi
}

files() {
    section files
    listed "$config" "$home/k3s" "$home/k3s-token" "$home/k3s-agent-token" "$home"/pki/*.crt "$home"/pki/*.key \
        /etc/systemd/system/k3s.service /etc/systemd/system/k3s-agent.service \
        "$data/agent/etc/kubelet.conf.d/10-shutdown.conf" /etc/systemd/logind.conf.d/50-homelab-k3s.conf
    # Certificates are public; keys and tokens never leave the host.
    for file in /run/homelab-k3s/config.yaml "$data/server/tls/server-ca.crt" "$data/server/tls/serving-kube-apiserver.crt" \
        "$data/agent/server-ca.crt" "$data/agent/serving-kubelet.crt"; do
        if [ -f "$file" ]; then
            section "file $file"
            bars <"$file"
        fi
    done
}

# What was said since the wizard last started it: what an earlier start ended with explains nothing.
unit() {
    section unit
    printf '|unit=%s\n' "$unit.service"
    bounded 5 systemctl show -p LoadState,ActiveState,SubState,Result,UnitFileState,NRestarts,FragmentPath \
        "$unit.service" 2>/dev/null | bars
    section log
    have journalctl || return 0
    since=$(cat /run/wizard/k3s-started 2>/dev/null)
    lines=60
    [ "$(state "$unit.service")" != active ] || lines=3
    bounded 5 journalctl -u "$unit.service" ${since:+--since "@$since"} -n "$lines" -o cat --no-pager 2>/dev/null |
        cut -c 1-500 | bars
}

# Only a server can be asked whether its API is ready, and its own word counts, not that its port is open.
ready() {
    if [ "$unit" = k3s ] && [ "$(state "$unit.service")" = active ]; then
        section ready
        bounded 8 "$program" kubectl --kubeconfig /etc/rancher/k3s/k3s.yaml --request-timeout=5s get --raw /readyz 2>&1 |
            tail -n 1 | cut -c 1-300 | bars
    fi
}

# Whose node this is, and whether it was part of a cluster.
node() {
    section node
    if [ -f "$home/k3s" ]; then sed -n 's/^lineage=/|lineage=/p; s/^node=/|name=/p' "$home/k3s"; fi
    if [ -d "$data/server/tls" ]; then echo '|server=1'; fi
    if [ -f "$data/agent/serving-kubelet.crt" ]; then echo '|joined=1'; fi
    if [ -f /etc/rancher/node/password ]; then echo '|password=1'; fi
}

digests
if have systemctl; then
    unit=$(unit_of)
    wait_for_start "$unit.service" "$arg_wait"
fi
files
if have systemctl; then
    unit
    ready
fi
node
[ -z "$arg_address" ] || shared_address "$arg_own" "$arg_address"
