#!/bin/sh
# Lab equipment: chronyd may not run in a container (no CAP_SYS_TIME); what it would say of a good clock.
if [ -e /run/lab/clock-skewed ]; then
    echo '506 Cannot talk to daemon'
    exit 1
fi
csv=
for word in "$@"; do
    case $word in
    -c) csv=1 ;;
    tracking)
        if [ -n "$csv" ]; then
            echo "C0000201,192.0.2.1,2,$(date +%s.%N),0.000021000,-0.000012000,0.000034000,1.500,0.002,0.013,0.001200000,0.000400000,64.4,Normal"
        else
            printf 'Reference ID    : C0000201 (192.0.2.1)\nStratum         : 2\nSystem time     : 0.000021000 seconds fast of NTP time\n'
            printf 'Last offset     : -0.000012000 seconds\nRMS offset      : 0.000034000 seconds\nLeap status     : Normal\n'
        fi
        exit 0
        ;;
    esac
done
exec /usr/lib/homelab-lab/real/chronyc "$@"
