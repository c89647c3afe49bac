#!/bin/sh
# Lab equipment: the real lsblk, told to look at this guest's own disks and not at those of the machine it runs on.
/usr/lib/homelab-lab/describe
exec /usr/lib/homelab-lab/real/lsblk --sysroot /run/lab/sysroot "$@"
