# The scheduled backup of etcd on a member: what is set up, whether its timer runs, how the last backup ended.
# Reads only. Sections as in read/facts.
# shellcheck shell=sh
name=wizard-etcd-backup
settings=/etc/homelab/backup
kept=/var/lib/wizard/etcd-backup

section() { printf '== %s\n' "$1"; }
bars() { sed 's/^/|/'; }
show() { timeout -s KILL 5 systemctl show -p ActiveState,SubState,Result,UnitFileState "$1" 2>/dev/null </dev/null | bars; }

section files
for file in "/usr/local/sbin/$name" "/etc/systemd/system/$name.service" "/etc/systemd/system/$name.timer" \
    "$settings/recipient.pem" "$settings/token" "$settings/id_ed25519" "$settings/known_hosts"; do
    if [ -f "$file" ]; then
        printf '|%s %s %s\n' "$(sha256sum <"$file" | cut -d ' ' -f 1)" "$(stat -c '%a %U:%G' "$file")" "$file"
    fi
done
section timer
show "$name.timer"
section service
show "$name.service"
section notes
for note in last failed; do
    if [ -f "$kept/$note" ]; then printf '|%s=%s\n' "$note" "$(head -n 1 "$kept/$note" | cut -c 1-300)"; fi
done
section end
