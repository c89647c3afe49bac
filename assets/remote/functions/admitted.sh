# The keys that may hand backups in: their lines in authorized_keys end with `wizard-etcd-backup CLUSTER MEMBER`.
# Stands before a script that says `# uses functions/admitted`.
# shellcheck shell=sh

# keys_file USER: whose keys let in as that user. Unraid's root is in memory, but this file of it is on the flash drive.
keys_file() {
    if [ -e /etc/unraid-version ]; then
        echo /boot/config/ssh/root/authorized_keys
    else
        home=$(getent passwd "$1" | cut -d : -f 6)
        echo "${home:?there is no user $1}/.ssh/authorized_keys"
    fi
}

# admitted CLUSTER FILE: the lines that are ours. others CLUSTER FILE: those that are not.
admitted() {
    awk -v cluster="$1" 'NF > 2 && $(NF - 2) == "wizard-etcd-backup" && $(NF - 1) == cluster' "$2"
}

others() {
    awk -v cluster="$1" '!(NF > 2 && $(NF - 2) == "wizard-etcd-backup" && $(NF - 1) == cluster)' "$2"
}
