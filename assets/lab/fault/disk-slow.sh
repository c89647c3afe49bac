#!/bin/sh
# The disk under a folder takes only so many writes a second, from this host's programs.
# usage: add|clear WRITES-PER-SECOND
set -eu
if [ -d /mnt/usb ]; then
    folder=/mnt/usb
elif [ -d /mnt/cache ]; then
    folder=/mnt/cache
else
    folder=/mnt/vm
fi
source=$(awk -v mount="$folder" '$2 == mount { found = $1 } END { print found }' /proc/mounts)
number=$(stat -L -c '%t %T' "$source")
number=$((0x${number% *})):$((0x${number#* }))
limit=$2
[ "$1" = add ] || limit=0
if [ -w /sys/fs/cgroup/io.max ]; then
    [ "$limit" != 0 ] || limit=max
    echo "$number wiops=$limit" >/sys/fs/cgroup/io.max
else
    echo "$number $limit" >/sys/fs/cgroup/blkio/blkio.throttle.write_iops_device
fi
