#!/bin/sh
# The host's end of a slow link: what it sends. usage: add|clear RATE
set -eu
case $1 in
add) tc qdisc replace dev eth0 root tbf rate "$2" burst 32kbit latency 400ms ;;
clear) tc qdisc del dev eth0 root 2>/dev/null || true ;;
esac
