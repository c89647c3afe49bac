#!/bin/sh
# What this guest's processes hold, in bytes: the limit's own count without the cache.
if [ -e /sys/fs/cgroup/memory/memory.stat ]; then
    awk '/^total_rss / { print $2 }' /sys/fs/cgroup/memory/memory.stat
else
    awk '/^anon / { print $2 }' /sys/fs/cgroup/memory.stat
fi
