#!/bin/sh
# What a person would write in a shell: the facts script on every host at once, one ssh each, answers into files.
# Usage: parallel-ssh.sh KEY KNOWN_HOSTS SCRIPT FOLDER USER@ADDRESS...
set -u
key=$1 known=$2 script=$3 folder=$4
shift 4
jobs=
for login in "$@"; do
    case $login in
    root@*) shell='sh -s' ;;
    *) shell='sudo -n sh -s' ;;
    esac
    ssh -F none -o ControlMaster=no -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$known" \
        -i "$key" "$login" "$shell" <"$script" >"$folder/$login" &
    jobs="$jobs $!"
done
failed=0
for job in $jobs; do
    wait "$job" || failed=1
done
exit "$failed"
