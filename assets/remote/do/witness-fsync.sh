# Measures how long a folder's disk takes to sync what etcd writes: 2300 bytes at a time, on the disk before the next.
# Args: path (the folder; the nearest one above that is there is measured), seconds (of writing at most), method (auto, or
# dd: do without fio). At most 22 MB are written, into a folder of our own, which is gone afterwards.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
size_mb=22
room_kib=65536

near=$arg_path
while [ ! -d "$near" ]; do near=$(dirname "$near"); done
work=$near/.wizard-fsync
ended() {
    rm -rf "$work"
    exit "$1"
}
trap 'rm -rf "$work"' EXIT
trap 'ended 130' INT
trap 'ended 143' TERM

free=$(df -Pk "$near" | awk 'NR == 2 { print $4 }')
if [ "$free" -lt "$room_kib" ]; then
    echo "$near has only $free KiB free; nothing is measured there"
    exit 4
fi
# What a measurement left that was killed.
rm -rf "$work"
mkdir -m 700 "$work" 2>&1 || {
    echo "$near cannot be written to"
    exit 5
}

# fio's own percentiles of syncs, in nanoseconds.
by_fio() {
    timeout -s TERM -k 5 $((arg_seconds + 5)) fio --name=etcd --directory="$work" --rw=write --ioengine=sync --fdatasync=1 \
        --size=${size_mb}m --bs=2300 --runtime="$arg_seconds" --output-format=json --output="$work/said" >/dev/null 2>&1 || return 1
    awk -F '[:,]' '
        /"sync" *:/ { inside = 1 }
        !inside { next }
        /"N" *:/ { count = $2 + 0 }
        /"max" *:/ { max = $2 / 1000 }
        /"50.000000" *:/ { half = $2 / 1000 }
        /"99.000000" *:/ { most = $2 / 1000; exit }
        END { if (!count || !most) exit 1
            printf "method=fio\nsamples=%d\np50_us=%d\np99_us=%d\nmax_us=%d\n", count, half, most, max }' "$work/said"
}

# dd tells how long its one write took, which is on the disk when it returns; starting dd is not in it.
by_dd() {
    file=$work/data
    fallocate -l 8M "$file" 2>/dev/null || : >"$file"
    end=$(($(date +%s) + arg_seconds))
    count=0
    while [ "$count" -lt 3000 ] && [ "$(date +%s)" -lt "$end" ]; do
        dd if=/dev/zero of="$file" bs=2300 count=1 seek="$count" conv=notrunc oflag=dsync 2>&1 || break
        count=$((count + 1))
    done | sed -n 's/.*copied, \([0-9.e-]*\) s.*/\1/p' | sort -g | awk '
        { took[NR] = $1 * 1000000 }
        function at(share, place) { place = int(NR * share); if (place < NR * share) place++; return took[place] }
        END { if (NR < 20) exit 1
            printf "method=dd\nsamples=%d\np50_us=%d\np99_us=%d\nmax_us=%d\n", NR, at(0.5), at(0.99), took[NR] }'
}

echo "folder=$near"
if [ "$arg_method" = auto ] && command -v fio >/dev/null 2>&1 && by_fio; then exit 0; fi
rm -rf "$work"
mkdir -m 700 "$work"
by_dd || {
    echo "the disk took fewer than 20 syncs in $arg_seconds seconds"
    exit 6
}
