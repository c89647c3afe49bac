#!/bin/sh
# Lab equipment: what ntpd on Unraid would say of a good clock.
[ -e /run/lab/clock-skewed ] && mark=' ' || mark='*'
case " $* " in
*rv*)
    if [ "$mark" = '*' ]; then echo 'leap=00, stratum=3, offset=0.021'; else echo 'leap=11, stratum=16, offset=0.000'; fi
    exit 0
    ;;
esac
printf '     remote           refid      st t when poll reach   delay   offset  jitter\n'
printf '==============================================================================\n'
printf '%s192.0.2.1       192.0.2.7        2 u   31   64  377    0.412   +0.021   0.034\n' "$mark"
