# Installs Debian packages from files that were put here, without any network, and without starting what they bring.
# Args: archive (a tar of .deb files whose digest was verified), names (the packages wanted, each with =VERSION),
#       units (that they would switch on), need (KiB), wait (seconds for another that holds dpkg).
# A unit is masked while its package is configured: its first start is the business of whoever configures it. What
# was masked stands in a file meanwhile, so that an attempt after a power cut takes it back. As long as that file is
# there no package counts as installed: dpkg does not flush each file, it is all flushed once at the end.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
umask 022
lock=/var/lib/dpkg/lock-frontend
folder=/var/cache/wizard-packages
unfinished=/var/lib/wizard/packages.unfinished
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND

# Who holds dpkg, as `PID (NAME)`: perl-base is part of every Debian, and asks the kernel without taking the lock.
holder() {
    pid=$(perl -e 'use Fcntl; open(F, "+<", $ARGV[0]) or exit 0; my $l = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
        fcntl(F, F_GETLK, $l) or exit 0; my @l = unpack("s s x4 q q i x4", $l); print $l[4] if $l[0] != F_UNLCK' "$lock")
    [ -z "$pid" ] || echo "process $pid ($(cat "/proc/$pid/comm" 2>/dev/null || echo "name unknown"))"
}

# Another package manager (unattended-upgrades after a first boot) is waited for; it is named once, and when it changes.
wait_for_others() {
    left=$arg_wait
    told=
    while who=$(holder) && [ -n "$who" ]; do
        if [ "$left" -le 0 ]; then
            echo "dpkg is held by $who and was not free for $arg_wait seconds"
            exit 75
        fi
        [ "$who" = "$told" ] || echo "waiting: dpkg is held by $who"
        told=$who
        left=$((left - 1))
        sleep 1
    done
}

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# In an attempt after one that was cut off, what lies there may be torn.
torn() { [ -e "$unfinished" ]; }

missing() {
    for wanted in $arg_names; do
        name=${wanted%%=*}
        installed "$name" && dpkg --compare-versions "$(dpkg-query -W -f '${Version}' "$name")" ge "${wanted#*=}" ||
            echo "$name"
    done
}

room() {
    free=$(df -Pk /usr | awk 'NR == 2 { print $4 }')
    if [ "$free" -lt "$arg_need" ]; then
        echo "not enough room: free $free KiB on $(df -Pk /usr | awk 'NR == 2 { print $6 }'), needed $arg_need KiB"
        exit 4
    fi
}

# Only units that are not there yet: one that somebody set up is not ours to switch off.
mask() {
    mkdir -p /var/lib/wizard
    : >>"$unfinished"
    for unit in $arg_units; do
        if grep -qx "$unit" "$unfinished"; then continue; fi
        if systemctl cat "$unit" >/dev/null 2>&1 || [ -e "/etc/systemd/system/$unit" ]; then continue; fi
        echo "$unit" >>"$unfinished"
    done
    sync "$unfinished" /var/lib/wizard 2>/dev/null || sync
    while read -r unit; do
        [ -e "/etc/systemd/system/$unit" ] || ln -sfn /dev/null "/etc/systemd/system/$unit"
    done <"$unfinished"
}

finish() {
    torn || return 0
    while read -r unit; do
        if [ "$(readlink "/etc/systemd/system/$unit" 2>/dev/null)" = /dev/null ]; then
            rm -f "/etc/systemd/system/$unit"
        fi
        # What configuring the package enabled; whoever sets it up enables it.
        systemctl disable --quiet "$unit" 2>/dev/null || true
    done <"$unfinished"
    systemctl daemon-reload
    # The guest agent has no other start than a rule for its port, and the port was there before the rule.
    if udevadm control --reload 2>/dev/null; then
        udevadm trigger --action=change --subsystem-match=virtio-ports 2>/dev/null || true
    fi
    sync -f /usr /var /etc 2>/dev/null || sync
    rm -f "$unfinished"
}

# What an attempt that was cut off left: dpkg goes on where it was. What it cannot end yet waits for the files below.
mend() {
    [ -n "$(dpkg --audit)" ] || return 0
    echo "dpkg was cut off before; it goes on"
    dpkg --force-confdef --force-confold --configure --pending || true
}

install() {
    again=
    if torn; then again=--reinstall; fi
    rm -rf "$folder"
    mkdir -p "$folder"
    if ! tar -xf "$arg_archive" -C "$folder" --no-same-owner; then
        df -Pk "$folder" | awk 'NR == 2 { print "free " $4 " KiB on " $6 }'
        rm -rf "$folder"
        echo "cannot unpack $arg_archive"
        exit 4
    fi
    mask
    # Nothing but these files is a source, and nothing that is installed may go for them.
    # shellcheck disable=SC2086 # an option, or nothing
    if ! apt-get -q install $again --yes --no-install-recommends --no-remove --fix-broken \
        -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root \
        -o DPkg::Lock::Timeout="$arg_wait" -o Dpkg::Use-Pty=0 \
        -o Dpkg::Options::=--force-unsafe-io -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
        "$folder"/*.deb; then
        dpkg --audit
        echo "apt-get could not install $(missing | tr '\n' ' ')"
        exit 3
    fi
}

command -v apt-get >/dev/null 2>&1 || {
    echo "there is no apt-get here: this is no Debian"
    exit 3
}
wait_for_others
mend
if torn || [ -n "$(missing)" ]; then
    [ -f "$arg_archive" ] || {
        echo "there is no $arg_archive"
        exit 4
    }
    room
    install
    finish
fi
rm -rf "$folder" "$arg_archive"
left=$(missing | tr '\n' ' ')
if [ -n "$left" ]; then
    echo "still not installed: $left"
    exit 3
fi
there=
for wanted in $arg_names; do
    there="$there${there:+, }$(dpkg-query -W -f '${Package} ${Version}' "${wanted%%=*}")"
done
echo "installed $there"
