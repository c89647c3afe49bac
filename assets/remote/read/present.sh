# What lives on this host already: other clusters, another etcd, whoever answers on port 53. Reads only.
# Asked where the facts show a trace of such a thing: sizes and versions take longer than facts may take.
# Args: count (yes: how much data there is, and what its own programs say of nodes and health; no: only what it is and
# whose, which is quick and asks no disk for more than a few small files).
# Sections as in read/facts: `== KIND`, then `|key=value`; a kind that is not there has no section, a key may come
# more than once. Tokens and passwords never leave the host: of configurations only the named keys are told.
# shellcheck shell=sh disable=SC2154 # arg_count comes from the prelude
PATH=$PATH:/snap/bin
newline='
'

have() { command -v "$1" >/dev/null 2>&1; }
bounded() { timeout -s KILL "$@" </dev/null 2>/dev/null; }
section() { printf '== %s\n' "$1"; }
tell() { if [ -n "$2" ]; then printf '|%s=%s\n' "$1" "$2"; fi; }
each() { sed -n "/./s/^/|$1=/p"; }

# Users and passwords in the address of a datastore stay here.
masked() { sed 's#//[^/@]*@#//***@#g'; }

# size FOLDER...: bytes on the disk; nothing where counting takes too long.
size() {
    tell data "$*"
    [ "$arg_count" = yes ] || return 0
    bounded 10 du -sckx "$@" | awk '$2 == "total" { printf "|bytes=%.0f\n", $1 * 1024 }'
}

# The process ids of a program, those in containers and guests left out: they have several ids.
pids_of() {
    for folder in /proc/[0-9]*; do
        name=
        { IFS= read -r name <"$folder/comm"; } 2>/dev/null
        [ "$name" = "$1" ] || continue
        ids=$(sed -n 's/^NSpid://p' "$folder/status" 2>/dev/null)
        # shellcheck disable=SC2086 # split at blanks on purpose
        set -- "$1" $ids
        [ $# -gt 2 ] || echo "${folder##*/}"
    done
}

# arguments PID: one a line.
arguments() { tr '\0' '\n' <"/proc/$1/cmdline" 2>/dev/null; }

# flag PID NAME: the value of --NAME=value or --NAME value.
flag() { arguments "$1" | awk -v name="$2" '
    { bare = $0; sub(/^--?/, "", bare) }
    waits { print; exit }
    index(bare, name "=") == 1 && bare != $0 { print substr(bare, length(name) + 2); exit }
    bare == name && bare != $0 { waits = 1 }'; }

# unit_of PID: the service of systemd it belongs to.
unit_of() { sed -n 's#.*/\([^/]*\.service\).*#\1#p' "/proc/$1/cgroup" 2>/dev/null | head -n 1; }

# package FILE: which package of the distribution it came with.
package() {
    have dpkg-query || return 0
    bounded 5 dpkg-query -S "$1" | sed -n 's/:.*//p' | head -n 1
}

microk8s() {
    snap=/var/snap/microk8s
    [ -e /snap/microk8s/current ] || [ -e $snap/current ] || return 0
    section microk8s
    tell package snap
    tell revision "$(readlink /snap/microk8s/current)"
    if have snap; then
        tell channel "$(bounded 5 snap list microk8s | awk '$1 == "microk8s" { print $4 }')"
    fi
    tell version "$(sed -n "s/^version: *'*\([^']*\)'*$/\1/p" /snap/microk8s/current/meta/snap.yaml 2>/dev/null)"
    size $snap
    tell lock "$([ -e $snap/current/var/lock/ha-cluster ] && echo ha-cluster)"
    # As its own status counts: highly available from three voters (role 0) on. Asking it would write a cache.
    awk '
        /^-* *Address:/ { print "|node=" $NF }
        $1 == "Role:" && $2 == 0 { voters++ }
        END { if (NR) print "|ha=" (voters > 2 ? "yes" : "no") }' $snap/current/var/kubernetes/backend/cluster.yaml 2>/dev/null
    for folder in "$snap"/common/default-storage/*/; do
        if [ -d "$folder" ]; then tell volume "$(basename "$folder")"; fi
    done
}

# Asked so, kubectl keeps no cache on the disk.
nodes='/api/v1/nodes?limit=50'
names() { grep -o '"metadata":{"name":"[^"]*"' | sed 's/"$//; s/.*"//'; }

k3s_config() {
    for file in /etc/rancher/k3s/config.yaml /etc/rancher/k3s/config.yaml.d/*.yaml; do
        if [ -r "$file" ]; then
            sed -n "s/^\(datastore-endpoint\|server\|cluster-init\): *[\"']*\([^\"']*\)[\"']*.*$/|\1=\2/p" "$file"
        fi
    done
    for pid in $(pids_of k3s-server) $(pids_of k3s-agent); do
        for key in datastore-endpoint server; do tell $key "$(flag "$pid" $key)"; done
    done
}

k3s() {
    folder=/var/lib/rancher/k3s
    [ -d $folder/server ] || [ -d $folder/agent ] || [ -n "$(pids_of k3s-server)$(pids_of k3s-agent)" ] || return 0
    section k3s
    if have k3s; then
        tell package "$(command -v k3s)"
        tell version "$(bounded 5 k3s --version | sed -n 's/^k3s version \([^ ]*\).*/\1/p')"
    fi
    if [ -d $folder/server ]; then tell role server; else tell role agent; fi
    if [ -d $folder ]; then size $folder; fi
    if [ -d $folder/server/db/etcd ]; then
        tell datastore 'embedded etcd'
    elif [ -e $folder/server/db/state.db ]; then
        tell datastore SQLite
    fi
    k3s_config | masked
    if [ "$arg_count" = yes ] && have k3s && [ -n "$(pids_of k3s-server)" ]; then
        bounded 8 k3s kubectl get --raw "$nodes" | names | each node
    fi
}

kubeadm() {
    [ -e /etc/kubernetes/kubelet.conf ] || [ -d /etc/kubernetes/manifests ] || return 0
    [ -e /etc/kubernetes/kubelet.conf ] || [ -n "$(ls -A /etc/kubernetes/manifests)" ] || return 0
    section kubeadm
    if have kubelet; then
        tell package "$(package "$(command -v kubelet)")"
        tell version "$(bounded 5 kubelet --version | sed -n 's/^Kubernetes //p')"
    fi
    if [ -e /etc/kubernetes/manifests/kube-apiserver.yaml ]; then tell role control-plane; else tell role worker; fi
    tell server "$(sed -n 's/^ *server: *//p' /etc/kubernetes/kubelet.conf 2>/dev/null | head -n 1)"
    set -- /etc/kubernetes
    for folder in /var/lib/etcd/member /var/lib/kubelet; do
        if [ -d "$folder" ]; then set -- "$@" "$folder"; fi
    done
    size "$@"
    if [ -e /etc/kubernetes/manifests/etcd.yaml ]; then tell datastore 'etcd of its own'; fi
    if [ "$arg_count" = yes ] && have kubectl && [ -e /etc/kubernetes/admin.conf ]; then
        bounded 8 kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw "$nodes" | names | each node
    fi
}

swarm() {
    [ -e /var/lib/docker/swarm/docker-state.json ] || return 0
    section swarm
    if have docker && [ -n "$(pids_of dockerd)" ]; then
        bounded 8 docker info --format '|version={{.ServerVersion}}
|state={{.Swarm.LocalNodeState}}
|role={{if .Swarm.ControlAvailable}}manager{{else}}worker{{end}}'
        bounded 8 docker node ls --format '{{.Hostname}}' | each node
        bounded 8 docker service ls --format '{{.Name}} {{.Image}} {{.Ports}}' | each service
    fi
    size /var/lib/docker/swarm
}

# lineage FOLDER: the wizard leaves its mark beside the data it made.
lineage() { sed -n 's/^lineage=/|lineage=/p' "$(dirname "$1")/wizard" 2>/dev/null; }

etcd_process() {
    program=$(readlink "/proc/$1/exe")
    tell program "$program"
    tell package "$(package "$program")"
    tell unit "$(unit_of "$1")"
    tell version "$(bounded 5 "$program" --version | sed -n 's/^etcd Version: *//p')"
    config=$(flag "$1" config-file)
    data=$(flag "$1" data-dir)
    name=$(flag "$1" name)
    if [ -r "$config" ]; then
        if [ -z "$data" ]; then data=$(sed -n 's/^data-dir: *"*\([^"]*\)"*$/\1/p' "$config"); fi
        if [ -z "$name" ]; then name=$(sed -n 's/^name: *"*\([^"]*\)"*$/\1/p' "$config"); fi
    fi
    # Debian's package gives its settings by the environment.
    if [ -z "$data" ]; then data=$(tr '\0' '\n' <"/proc/$1/environ" | sed -n 's/^ETCD_DATA_DIR=//p'); fi
    tell name "$name"
    if [ -d "$data" ]; then
        lineage "$data"
        size "$data"
    fi
}

etcd() {
    found=$(pids_of etcd | head -n 1)
    folder=
    for folder in /var/lib/etcd /var/lib/etcd/default; do
        if [ -d "$folder/member" ]; then break; fi
        folder=
    done
    [ -n "$found$folder" ] || return 0
    section etcd
    if [ -n "$found" ]; then etcd_process "$found"; else size "$folder"; fi
}

dns_ids() {
    if have ss; then
        bounded 5 ss -H -lntup 'sport = :53' | sed -n 's/.*pid=\([0-9]*\).*/\1/p'
    elif have netstat; then
        bounded 5 netstat -lntup | awk '$4 ~ /:53$/ { sub(/\/.*/, "", $NF); print $NF }'
    fi
}

dns() {
    found=$(dns_ids | sort -u)
    [ -n "$found" ] || return 0
    section dns
    IFS=$newline
    for pid in $found; do
        program=$(readlink "/proc/$pid/exe") || continue
        config=$(flag "$pid" conf-file)
        came=$(package "$program")
        unit=$(unit_of "$pid")
        printf '|program=%s %s %s %s %s\n' "$(cat "/proc/$pid/comm")" "$program" "${came:--}" "${config:--}" "${unit:--}"
    done
    unset IFS
    if have docker && [ -n "$(pids_of dockerd)" ]; then
        bounded 8 docker ps --filter publish=53 --format '{{.Names}} {{.Image}}' | each container
        # Those in the host's network publish nothing: known by what they are.
        bounded 8 docker ps --filter network=host --format '{{.Names}} {{.Image}}' |
            grep -iE 'pihole|adguard|coredns|technitium|dnsmasq|unbound|bind9' | each container
    fi
}

microk8s
k3s
kubeadm
swarm
etcd
dns
section end
