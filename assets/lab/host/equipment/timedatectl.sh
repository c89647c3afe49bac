#!/bin/sh
# Lab equipment: a container may not set the clock, so the state of synchronisation is told, not made.
[ -e /run/lab/clock-skewed ] && synced=no || synced=yes
case ${1-status} in
show)
    all="Timezone=Etc/UTC
LocalRTC=no
CanNTP=yes
NTP=yes
NTPSynchronized=$synced
TimeUSec=$(date '+%a %Y-%m-%d %H:%M:%S %Z')
RTCTimeUSec=$(date '+%a %Y-%m-%d %H:%M:%S %Z')"
    want=''
    value=''
    shift
    while [ $# -gt 0 ]; do
        case $1 in
        --value) value=1 ;;
        --property=*) want="$want ${1#--property=}" ;;
        -p | --property)
            shift
            want="$want ${1-}"
            ;;
        -p*) want="$want ${1#-p}" ;;
        esac
        shift
    done
    printf '%s\n' "$all" | awk -F= -v want="$(echo "$want" | tr ',' ' ')" -v value="$value" '
        BEGIN { n = split(want, names, " "); for (i = 1; i <= n; i++) asked[names[i]] = 1 }
        n == 0 || $1 in asked { if (value) { sub(/^[^=]*=/, "") } print }'
    ;;
status)
    printf '               Local time: %s\n' "$(date '+%a %Y-%m-%d %H:%M:%S %Z')"
    printf '           Universal time: %s\n' "$(date -u '+%a %Y-%m-%d %H:%M:%S %Z')"
    printf '                Time zone: Etc/UTC (UTC, +0000)\n'
    printf 'System clock synchronized: %s\n' "$synced"
    printf '              NTP service: active\n          RTC in local TZ: no\n'
    ;;
*) exec /usr/lib/homelab-lab/real/timedatectl "$@" ;;
esac
