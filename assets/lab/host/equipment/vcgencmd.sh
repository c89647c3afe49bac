#!/bin/sh
# Lab equipment: the firmware of a Raspberry Pi 5 with a good power supply. /run/lab/throttled overrides the flags.
case ${1-} in
get_throttled) echo "throttled=$(cat /run/lab/throttled 2>/dev/null || echo 0x0)" ;;
measure_temp) echo "temp=48.3'C" ;;
measure_volts) echo "volt=0.8800V" ;;
version) printf 'Jan  8 2026 14:02:11\nCopyright (c) 2012 Broadcom\nversion 1ad4a6b2 (release) (embedded)\n' ;;
*)
    echo "error=1 error_msg=\"Command not registered\""
    exit 1
    ;;
esac
