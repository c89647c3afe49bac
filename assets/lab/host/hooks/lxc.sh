#!/bin/sh
# libvirt runs this before and after each guest of its lxc driver, with the definition on stdin: the directory that all
# guests of the lab share is laid into the guest's root, and taken away before that root can be removed. Lab equipment.
# usage: lxc GUEST prepare|start|started|stopped|release ...
shared=/var/lib/lab-shared
root=$(sed -n "s|.*<source dir='\([^']*/root\)'.*|\1|p" | head -n 1)
[ -n "$root" ] && [ -d "$shared" ] || exit 0
place=$root$shared
case $2 in
prepare)
    mkdir -p "$place" || exit 0
    mountpoint -q "$place" || mount --bind "$shared" "$place"
    ;;
release)
    while mountpoint -q "$place"; do
        umount -l "$place" || break
    done
    ;;
esac
exit 0
