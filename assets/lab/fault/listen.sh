#!/bin/sh
# Read before a fault that lays down processes of real names on real ports; they are nothing but that.
# Keeps what it needs to end them again under $state.
# shellcheck disable=SC2154 # state comes from the fault

# listen NAME PORT...: a process that calls itself NAME holds the ports, from when this returns.
listen() {
    # shellcheck disable=SC2016 # these are perl's variables
    setsid perl -MIO::Socket::INET -e '
        $up = shift; $0 = shift;
        @held = map { IO::Socket::INET->new(LocalPort => $_, Listen => 5, ReuseAddr => 1) or die "$_: $!" } @ARGV;
        open $file, ">", $up; close $file; sleep while 1' \
        "$state/up.$1" "$@" </dev/null >/dev/null 2>>"$state/log" &
    echo $! >>"$state/pids"
    tries=0
    until [ -e "$state/up.$1" ]; do
        tries=$((tries + 1))
        if [ "$tries" -ge 100 ]; then
            cat "$state/log" >&2
            exit 1
        fi
        sleep 0.1
    done
}

# silence: end them all.
silence() {
    if [ -e "$state/pids" ]; then
        while read -r pid; do kill "$pid" 2>/dev/null || true; done <"$state/pids"
    fi
    rm -rf "$state"
}
