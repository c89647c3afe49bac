# Where a hypervisor keeps the backups of etcd: the folder and its room, who may hand backups in, which there are.
# Args: cluster, user, target (the folder that was named), folder (ours in it), script (the one that takes backups in).
# Reads only. Sections as in read/facts.
# uses functions/admitted
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
section() { printf '== %s\n' "$1"; }

# A share whose server is gone must not hang us.
bounded() { timeout -s KILL 10 "$@" </dev/null 2>/dev/null; }

section store
printf '|now=%s\n' "$(date +%s)"
if [ -r /etc/ssh/ssh_host_ed25519_key.pub ]; then
    printf '|hostkey=%s\n' "$(cut -d ' ' -f 2 /etc/ssh/ssh_host_ed25519_key.pub)"
fi
if [ -f "$arg_script" ]; then printf '|script=%s\n' "$(sha256sum <"$arg_script" | cut -d ' ' -f 1)"; fi
if bounded test -d "$arg_target"; then
    printf '|target=yes\n|filesystem=%s\n' "$(bounded stat -f -c %T "$arg_target")"
    bounded df -Pk "$arg_target" | awk 'NR == 2 { printf "|size=%.0f\n|free=%.0f\n", $2 * 1024, $4 * 1024 }'
fi
if bounded test -d "$arg_folder"; then
    echo '|folder=yes'
    section backups
    bounded ls -ln "$arg_folder" | awk '$9 ~ /^etcd-.*[.]tar[.]cms$/ { print "|" $9 " " $5 }'
fi
section keys
keys=$(keys_file "$arg_user")
if [ -f "$keys" ]; then
    admitted "$arg_cluster" "$keys" | while read -r line; do
        printf '|%s %s\n' "${line##* }" "$(printf '%s\n' "$line" | sha256sum | cut -d ' ' -f 1)"
    done
fi
section end
