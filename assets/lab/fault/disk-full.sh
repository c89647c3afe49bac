#!/bin/sh
# A size-limited file system over one folder, filled to the last byte. What was in the folder stays readable.
# usage: add|clear PATH
set -eu
path=$2
filler="$path/.lab-filler"
case $1 in
add)
    mkdir -p "$path" /run/lab
    grep -q " $path tmpfs " /proc/mounts && exit 0
    hold=$(mktemp -d /run/lab/full.XXXXXX)
    cp -a "$path/." "$hold/"
    size=$(($(du -sk "$hold" | cut -f1) + 1024))
    mount -t tmpfs -o "size=${size}k,mode=$(stat -c %a "$path")" lab-full "$path"
    cp -a "$hold/." "$path/"
    rm -rf "$hold"
    dd if=/dev/zero of="$filler" bs=64k 2>/dev/null || true
    dd if=/dev/zero bs=512 2>/dev/null >>"$filler" || true
    ;;
clear)
    grep -q " $path tmpfs " /proc/mounts || exit 0
    rm -f "$filler"
    hold=$(mktemp -d /run/lab/full.XXXXXX)
    cp -a "$path/." "$hold/"
    umount "$path" || umount -l "$path"
    find "$path" -mindepth 1 -delete
    cp -a "$hold/." "$path/"
    rm -rf "$hold"
    ;;
esac
