# Sets one node of K3s up: its configuration, tokens, keys and unit, and our mark. Nothing is started.
# Args: lineage, node, unit (the one this node has; the other one goes).
# On stdin, for each file `== PATH MODE OWNER` and its lines behind bars; `== end` comes last.
# uses functions/files
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
umask 077
mark=/etc/homelab/k3s
data=/var/lib/rancher/k3s
logind=/etc/systemd/logind.conf.d

# Data without our mark is somebody else's cluster; what only the images need is ours.
refuse_others() {
    if grep -qx "lineage=$arg_lineage" "$mark" 2>/dev/null; then return 0; fi
    if [ -f "$mark" ] || [ -d "$data/server/tls" ] || [ -f "$data/agent/serving-kubelet.crt" ]; then
        echo "K3s of another cluster was set up here: $data"
        exit 4
    fi
}

put() {
    place "$@"
    echo "$placed $2"
    if [ "$placed" = same ]; then return 0; fi
    case $2 in
    "$logind"/*) relog=yes ;;
    /etc/systemd/system/*) reload=yes ;;
    esac
}

# A node that was a server and is an agent now, or the other way round, has one unit: two would fight for the ports.
drop_other() {
    for unit in k3s k3s-agent; do
        if [ "$unit.service" != "$arg_unit" ] && [ -f "/etc/systemd/system/$unit.service" ]; then
            systemctl disable --quiet --now "$unit.service" || true
            rm -f "/etc/systemd/system/$unit.service"
            reload=yes
        fi
    done
}

receive /run/wizard/k3s-files
refuse_others
reload=
relog=
(umask 022 && mkdir -p /etc/homelab /etc/rancher/k3s "$data/agent/etc/kubelet.conf.d" $logind)
mkdir -p /etc/homelab/pki
printf 'lineage=%s\nnode=%s\n' "$arg_lineage" "$arg_node" >"$mark.new"
chmod 644 "$mark.new"
mv -f "$mark.new" "$mark"
each_file put
drop_other
if [ -n "$reload" ]; then systemctl daemon-reload; fi
# Before K3s starts: the kubelet asks logind for its delay only then.
if [ -n "$relog" ]; then systemctl try-restart systemd-logind.service || true; fi
