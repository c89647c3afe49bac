# One etcd member in one answer: what is installed, how it is set up, whether it runs and what it says of the cluster.
# Args: base (the folder its data lies in), wait (seconds to wait for a starting unit), package (yes: which etcd the
# distribution offers). Reads only. Sections as in read/facts; what is missing is simply absent.
# uses functions/unit
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
etc=/etc/etcd
pki=$etc/pki
unit=/etc/systemd/system/etcd.service
guard=wizard-etcd-leader

section() { printf '== %s\n' "$1"; }
bars() { sed 's/^/|/'; }
have() { command -v "$1" >/dev/null 2>&1; }

# A member that hangs, or a disk that does, must not hang us.
bounded() { timeout -s KILL "$@" </dev/null; }

version_of() { bounded 5 "$1" "$2" 2>/dev/null | sed -n "s/^$3[: ]*v*//p" | head -n 1; }

binaries() {
    section binaries
    if have /usr/local/bin/etcd; then
        printf '|etcd=%s\n' "$(version_of /usr/local/bin/etcd --version 'etcd Version')"
    fi
    if have /usr/local/bin/etcdctl; then
        printf '|etcdctl=%s\n' "$(version_of /usr/local/bin/etcdctl version 'etcdctl version')"
    fi
    if grep -q '^etcd:' /etc/passwd; then echo '|user=1'; fi
    if [ "$arg_package" = yes ] && have dpkg-query; then
        dpkg-query -W -f '|package=${Version}\n' etcd-server 2>/dev/null
    fi
}

files() {
    section files
    for file in "$etc/etcd.yml" "$unit" "$pki/ca.crt" "$pki/member.crt" "$pki/member.key" "$pki/doctor.crt" "$pki/doctor.key" \
        "$pki/root.crt" "$pki/root.key" \
        "/usr/local/sbin/$guard" "/etc/systemd/system/$guard.service" "/etc/systemd/system/$guard.timer"; do
        if [ -f "$file" ]; then
            printf '|%s %s %s\n' "$(sha256sum <"$file" | cut -d ' ' -f 1)" "$(stat -c '%a %U:%G' "$file")" "$file"
        fi
    done
    # Certificates are public; keys never leave the host.
    for file in "$etc/etcd.yml" /run/etcd/etcd.yml "$pki/ca.crt" "$pki/member.crt" "$pki/doctor.crt"; do
        if [ -f "$file" ]; then
            section "file $file"
            bars <"$file"
        fi
    done
}

unit() {
    section unit
    have systemctl || return 0
    bounded 5 systemctl show -p LoadState,ActiveState,SubState,Result,UnitFileState,NRestarts,MainPID,FragmentPath \
        -p NeedDaemonReload,ExecMainStatus etcd.service 2>/dev/null | bars
    section log
    if have journalctl; then
        # What ended it may stand well before the last line.
        lines=40
        [ "$(state etcd.service)" != active ] || lines=3
        bounded 5 journalctl -u etcd.service -n "$lines" -o cat --no-pager 2>/dev/null | cut -c 1-500 | bars
    fi
}

# The timer that takes the lead back from a slow witness, and how its last look ended.
guard() {
    [ -f "/etc/systemd/system/$guard.timer" ] || return 0
    section guard
    bounded 5 systemctl show -p ActiveState,UnitFileState "$guard.timer" 2>/dev/null | bars
    bounded 5 systemctl show -p Result,ExecMainStatus "$guard.service" 2>/dev/null | bars
    if have journalctl; then
        bounded 5 journalctl -u "$guard.service" -t "$guard" -n 1 -o cat --no-pager 2>/dev/null | cut -c 1-300 |
            sed 's/^/|said=/'
    fi
}

# The nearest folder that is there: what a folder that is still to be made will lie on.
existing() {
    found=$1
    while [ ! -e "$found" ]; do found=$(dirname "$found"); done
    echo "$found"
}

data() {
    section data
    if [ ! -d "$arg_base/data" ]; then
        echo '|state=absent'
    elif [ -d "$arg_base/data/member" ]; then
        echo '|state=member'
        printf '|bytes=%s\n' "$(bounded 5 du -sk "$arg_base/data" 2>/dev/null | awk '{ print $1 * 1024 }')"
    elif [ -z "$(ls -A "$arg_base/data")" ]; then
        echo '|state=empty'
    else
        echo '|state=other'
    fi
    if [ -f "$arg_base/wizard" ]; then
        sed -n 's/^lineage=/|marker=/p; s/^member=/|marker_member=/p' "$arg_base/wizard"
    fi
    near=$(existing "$arg_base")
    if [ "$(stat -c %d "$near")" = "$(stat -c %d /)" ]; then echo '|root=1'; fi
    bounded 5 stat -f -c '%S %b %a' "$near" | awk '{ printf "|size=%.0f\n|free=%.0f\n", $1 * $2, $1 * $3 }'
    bounded 5 df -P "$near" 2>/dev/null | awk 'NR == 2 { print "|source=" $1; print "|mount=" $6 }'
    mount=$(bounded 5 df -P "$near" 2>/dev/null | awk 'NR == 2 { print $6 }')
    awk -v mount="$mount" '
        !/^[ \t]*#/ && $2 == mount { how = ($1 ~ /^(UUID=|PARTUUID=|\/dev\/disk\/by-(uuid|partuuid|id)\/)/) ? "uuid" : "other" }
        END { print "|fstab=" (how ? how : "none") }' /etc/fstab 2>/dev/null
}

# Whatever can fetch a page: a small system may have only one of them, and perl is part of every Debian.
fetch() {
    if have curl; then
        bounded 6 curl -q -s -S --max-time 5 "http://127.0.0.1:2381$1" 2>&1
    elif have wget; then
        bounded 6 wget -q -T 5 -t 1 -O - "http://127.0.0.1:2381$1" 2>&1
    elif have python3; then
        bounded 6 python3 -c 'import sys,urllib.request as r;sys.stdout.buffer.write(r.urlopen(sys.argv[1],timeout=5).read())' \
            "http://127.0.0.1:2381$1" 2>&1
    elif have perl; then
        # shellcheck disable=SC2016 # these are perl's variables
        bounded 6 perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:2381", Timeout => 5) or die $!;
            print $s "GET $ARGV[0] HTTP/1.0\r\n\r\n"; while (<$s>) { last if /^\r?$/ } print while <$s>' "$1" 2>&1
    else
        echo 'neither curl, wget, python3 nor perl is there'
    fi
}

ask() {
    bounded 8 /usr/local/bin/etcdctl --endpoints=https://127.0.0.1:2379 --cacert="$pki/ca.crt" --cert="$pki/doctor.crt" \
        --key="$pki/doctor.key" --dial-timeout=2s --command-timeout=5s "$@" 2>&1
}

# answer NAME FIRST COMMAND...: what begins with FIRST is the answer, anything else an error.
answer() {
    name=$1
    first=$2
    shift 2
    said=$("$@")
    case $said in
    "$first"*)
        section "$name"
        printf '%s\n' "$said" | bars
        ;;
    *)
        section errors
        printf '|%s: %s\n' "$name" "$(printf '%s' "$said" | tail -n 1 | cut -c 1-300)"
        ;;
    esac
}

metrics() {
    fetch /metrics | awk '
        /^etcd_disk_(wal_fsync|backend_commit)_duration_seconds_(bucket|count|sum)/ { print; next }
        /^etcd_server_(has_leader|is_leader|is_learner|leader_changes_seen_total|quota_backend_bytes|proposals_failed_total|slow_apply_total) / { print; next }
        /^etcd_mvcc_db_total_size_in_(bytes|use_in_bytes) / || /^etcd_server_version/ { print }'
}

# What the doctor's certificate may do: to be told whether clients have roles takes one, so that a refusal tells most.
rights() {
    # It takes a leader, too.
    case $said in *'"leader"'*) ;; *) return 0 ;; esac
    section rights
    said=$(ask auth status)
    case $said in
    *'Status: false'*) echo '|doctor=everything' ;;
    *'Status: true'*) echo '|doctor=root' ;;
    *'permission denied'*) echo '|doctor=reads' ;;
    *) printf '|error=%s\n' "$(printf '%s' "$said" | tail -n 1 | cut -c 1-300)" ;;
    esac
}

# Its own view of the members: that of the whole cluster is not to be had without a quorum. etcdctl 3.5 cannot ask for it.
listed() {
    case $(version_of /usr/local/bin/etcdctl version 'etcdctl version') in
    3.5.*) ask member list -w json ;;
    *) ask member list --consistency=s -w json ;;
    esac
}

# A member that waits for its peers does not answer clients yet; its metrics are there from the start.
cluster() {
    case $(state etcd.service) in
    active)
        [ ! -x /usr/local/bin/etcdctl ] || {
            answer status '[' ask endpoint status -w json
            rights
        }
        [ ! -x /usr/local/bin/etcdctl ] || answer members '{' listed
        answer metrics etcd_ metrics
        ;;
    activating) answer metrics etcd_ metrics ;;
    esac
}

binaries
if have systemctl; then wait_for_start etcd.service "$arg_wait"; fi
files
unit
data
if have systemctl; then
    guard
    cluster
fi
