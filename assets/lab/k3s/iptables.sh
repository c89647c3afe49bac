#!/bin/sh
# iptables of this folder, with the libraries beside it: for hosts that have none.
home=$(dirname "$(readlink -f "$0")")/../..
export LD_LIBRARY_PATH="$home/lib" XTABLES_LIBDIR="$home/lib/xtables"
exec "$home/libexec/xtables-nft-multi" "$(basename "$0")" "$@"
