# What a member's folder of etcd lies on, down to the USB bridge, and how far away the other members are.
# Args: path (the folder; the nearest one above that is there is looked at), peers (addresses, comma-separated, or none),
# sys (where the kernel describes devices: /sys). Reads only: a few pings are all that leaves the host.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
section() { printf '== %s\n' "$1"; }
have() { command -v "$1" >/dev/null 2>&1; }
bounded() { timeout -s KILL "$@" </dev/null; }
flag() { [ -z "$2" ] || printf '|%s=%s\n' "$1" "$2"; }
first() {
    value=
    { IFS= read -r value <"$1"; } 2>/dev/null
}

nearest() {
    found=$1
    while [ ! -d "$found" ]; do found=$(dirname "$found"); done
    echo "$found"
}

disk() {
    section disk
    near=$(nearest "$arg_path")
    flag folder "$near"
    mount=$(bounded 5 df -P "$near" 2>/dev/null | awk 'NR == 2 { print $6 }')
    flag mount "$mount"
    # The last one mounted there counts.
    awk -v mount="$mount" '$2 == mount { source = $1; type = $3; options = $4 }
        END { if (type) printf "|source=%s\n|filesystem=%s\n|options=%s\n", source, type, options }' /proc/mounts
    source=$(awk -v mount="$mount" '$2 == mount { source = $1 } END { print source }' /proc/mounts)
    case $source in /dev/*) device "$(readlink -f "$source")" ;; esac
}

# device /dev/NAME: the whole disk below it, and the USB device that one hangs on.
device() {
    folder=$(readlink -f "$arg_sys/class/block/${1##*/}")
    [ -n "$folder" ] && [ -d "$folder" ] || return 0
    if [ -e "$folder/partition" ]; then folder=${folder%/*}; fi
    flag device "${folder##*/}"
    first "$folder/queue/rotational"
    flag rotational "$value"
    first "$folder/queue/write_cache"
    flag cache "$value"
    while [ -n "$folder" ] && [ "$folder" != "$arg_sys" ]; do
        # The interface tells the driver, the device above it what it is.
        if [ -e "$folder/bInterfaceClass" ]; then
            driver=$(readlink "$folder/driver")
            flag driver "${driver##*/}"
        elif [ -e "$folder/idVendor" ]; then
            usb "$folder"
            return 0
        fi
        folder=${folder%/*}
    done
}

usb() {
    first "$1/idVendor"
    vendor=$value
    first "$1/idProduct"
    flag usb "$vendor:$value"
    first "$1/speed"
    flag speed "$value"
    first "$1/product"
    flag product "$value"
    first "$arg_sys/module/usb_storage/parameters/quirks"
    flag quirks "$value"
}

clock() {
    section clock
    for name in "$arg_sys"/class/rtc/rtc*/name; do
        first "$name"
        flag rtc "$value"
    done
}

# One line a peer: its address, and the mean of a few round trips in milliseconds, or a dash.
round_trips() {
    section round-trips
    for peer in $(printf '%s' "$arg_peers" | tr ',' ' '); do
        mean=
        how=ping
        if have ping; then
            mean=$(bounded 8 ping -n -q -c 5 -i 0.2 -W 1 "$peer" 2>/dev/null | sed -n 's|^r.*= *[0-9.]*/\([0-9.]*\)/.*|\1|p')
        fi
        if [ -z "$mean" ] && have curl; then
            how=connect
            mean=$(bounded 8 curl -q -s -o /dev/null --max-time 3 -w '%{time_connect}' "http://$peer:22/" 2>/dev/null |
                awk '$1 > 0 { printf "%.3f", $1 * 1000 }')
        fi
        printf '|%s %s %s\n' "$peer" "${mean:--}" "$how"
    done
}

disk
clock
round_trips
