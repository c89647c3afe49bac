# Makes a backup of etcd now and waits for its end; one that is under way already is the one that is waited for.
# Says `kept NAME BYTES`, or `failed` and why.
set -u
unit=wizard-etcd-backup.service
kept=/var/lib/wizard/etcd-backup
systemctl reset-failed "$unit" 2>/dev/null || true
if said=$(systemctl start "$unit" 2>&1); then
    echo "kept $(cut -d ' ' -f 2- "$kept/last")"
elif [ -f "$kept/failed" ]; then
    echo "failed $(cut -d ' ' -f 2- "$kept/failed")"
else
    echo "failed $(printf '%s' "$said" | head -n 1 | cut -c 1-300)"
fi
