# What would be in the way of K3s on a guest: leftovers of another Kubernetes, cgroups, kernel modules, routes. Reads only.
# Asked before anything of K3s is installed there. What the facts tell already (ports, swap, firewall, clock) is not here.
# Args: modules (names of kernel modules, blank-separated). Sections as in read/facts.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
k3s=/var/lib/rancher/k3s

have() { command -v "$1" >/dev/null 2>&1; }
tell() { printf '|%s=%s\n' "$1" "$2"; }
there() { if [ -e "$2" ]; then tell "$1" "$2"; fi; }
filled() { if [ -n "$(ls -A "$2" 2>/dev/null)" ]; then tell "$1" "$2"; fi; }

# Whose node this is, where the wizard set one up.
mark() {
    if [ -f /etc/homelab/k3s ]; then sed -n 's/^lineage=/|lineage=/p' /etc/homelab/k3s; fi
}

leftovers() {
    filled embedded $k3s/server/db/etcd
    there embedded $k3s/server/db/state.db
    there other $k3s/server/tls
    there other $k3s/agent/serving-kubelet.crt
    there other /etc/kubernetes/kubelet.conf
    there other /etc/kubernetes/manifests
    there other /var/snap/microk8s/current
    there other /snap/microk8s/current
    there other /var/lib/k0s
    there other /var/lib/rancher/rke2
    for file in /etc/cni/net.d/*; do
        [ -f "$file" ] && tell cni "$file"
    done
    for folder in /sys/class/net/*; do
        case ${folder##*/} in
        cali* | cilium* | lxc_health | vxlan.calico | weave | datapath | kube-ipvs0 | kube-bridge | cni0 | flannel.*)
            tell link "${folder##*/}"
            ;;
        esac
    done
}

cgroups() {
    if [ -r /sys/fs/cgroup/cgroup.controllers ]; then
        tell cgroups "$(cat /sys/fs/cgroup/cgroup.controllers)"
    elif [ -r /proc/cgroups ]; then
        tell cgroups "$(awk '!/^#/ && $4 == 1 { printf "%s%s", gap, $1; gap = " " }' /proc/cgroups)"
    fi
}

# One that is built in, or loaded by the machine beneath a container, shows by what it makes.
module() {
    if [ -d "/sys/module/$1" ] || grep -qw "$1" /proc/filesystems; then
        echo yes
    elif [ "$1" = br_netfilter ] && [ -e /proc/sys/net/bridge ]; then
        echo yes
    elif have modprobe && [ -d "/lib/modules/$(uname -r)" ]; then
        if modprobe -n -q "$1" 2>/dev/null; then echo yes; else echo no; fi
    else
        echo unknown
    fi
}

routes() {
    have ip || return 0
    ip -4 -o route show 2>/dev/null | awk '
        $1 ~ /^[0-9.]+(\/[0-9]+)?$/ {
            nic = ""
            for (i = 2; i < NF; i++) if ($i == "dev") nic = $(i + 1)
            print "|route=" $1 " " nic
        }'
}

echo '== before'
mark
leftovers
cgroups
for name in $arg_modules; do tell "module_$name" "$(module "$name")"; done
routes
echo '== end'
