#!/bin/sh
# On a hypervisor: gives each guest the images by a hard link; all lie on one file system.
# usage: link.sh STORE FOLDER_OF_GUESTS GUEST...
set -eu
store=$1 folder=$2
shift 2
for guest in "$@"; do
    root=$folder/$guest/root
    mkdir -p "$root/var/lib/rancher/k3s/agent/images"
    for image in "$store"/*.tar*; do
        ln -f "$image" "$root/var/lib/rancher/k3s/agent/images/${image##*/}"
    done
done
