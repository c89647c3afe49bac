#!/bin/sh
# Lab equipment: the real lsblk, told to look at this host's own hardware and not at the machine it runs on.
exec /usr/lib/homelab-lab/real/lsblk --sysroot /run/lab/sysroot "$@"
