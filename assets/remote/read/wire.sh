# Who answers on the LAN, which DHCP servers offer what, who speaks VRRP. Reads only: ARP questions, a DHCP discover
# that is never followed by a request, and listening. The three go side by side, some 4 seconds in all.
# Args: nic (the interface that carries the LAN), addresses (blank-separated), parts (of: arp dhcp vrrp).
# Output: sections as read/facts prints them; see there. Where no tool is found, `tool=` is empty.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
AT_ONCE=128        # questions under way at a time: each is a process
STALE_SECONDS=9    # the kernel asks anew after 5 s (delay_first_probe_time), three times a second apart
OFFER_SECONDS=4    # servers that ping an address before they offer it take up to 3 (dnsmasq)
LISTEN_SECONDS=4   # a master speaks every second unless it was told otherwise

have() { command -v "$1" >/dev/null 2>&1; }

arping_kind() {
    have arping || return 0
    case $(arping -V 2>&1 </dev/null) in
    *iputils*) echo iputils ;;
    *BusyBox*) echo busybox ;;
    *Habets*) echo habets ;;
    esac
}

# Each address twice, by broadcast: a second machine with the same address answers as well.
ask_by_arping() {
    count=0
    for address in $arg_addresses; do
        if [ "$1" = habets ]; then
            arping -c 2 -i "$arg_nic" "$address" </dev/null 2>&1 &
        else
            arping -b -c 2 -w 2 -I "$arg_nic" "$address" </dev/null 2>&1 &
        fi
        count=$((count + 1))
        if [ $((count % AT_ONCE)) -eq 0 ]; then wait; fi
    done
    wait
}

# `Unicast reply from A [MAC]` of iputils and busybox, `60 bytes from MAC (A): index=0` of Habets'. Only a program that
# tells how many questions it sent has asked: one that may not, or has no such interface, says something else.
replies() {
    awk '
        function is_mac(word) {
            return word ~ /^[0-9a-fA-F][0-9a-fA-F]?(:[0-9a-fA-F][0-9a-fA-F]?)+$/ && split(word, parts, ":") == 6
        }
        /^Sent [1-9][0-9]* probe/ || /^[1-9][0-9]* packets transmitted/ { asked++; next }
        / from / {
            mac = address = ""
            gsub(/[][(),]/, " ")
            for (i = 1; i <= NF; i++) {
                word = $i
                if (is_mac(word)) mac = tolower(word)
                sub(/:$/, "", word)
                if (address == "" && word ~ /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/) address = word
            }
            if (mac != "" && address != "" && !seen[address, mac]++) print "arp answer=" address " " mac
            next
        }
        /^arping: / && !told++ { print "arp said=" $0 }
        END { print "arp asked=" asked + 0 }'
}

neighbours() { ip -4 neigh show dev "$arg_nic" 2>/dev/null; }

# Whether the kernel still waits for one of ours.
unsettled() {
    neighbours | awk -v ours=" $arg_addresses " '
        index(ours, " " $1 " ") && /INCOMPLETE|DELAY|PROBE/ { found = 1 }
        END { exit !found }'
}

# Any packet makes the kernel ask; what it was told lately it holds for true without asking again.
ask_by_kernel() {
    count=0
    for address in $arg_addresses; do
        ping -c 1 -W 1 -I "$arg_nic" "$address" </dev/null >/dev/null 2>&1 &
        count=$((count + 1))
        if [ $((count % AT_ONCE)) -eq 0 ]; then wait; fi
    done
    wait
    left=$STALE_SECONDS
    while [ "$left" -gt 0 ] && unsettled; do
        sleep 1
        left=$((left - 1))
    done
    neighbours | awk -v ours=" $arg_addresses " '
        !index(ours, " " $1 " ") { next }
        {
            mac = ""
            for (i = 2; i < NF; i++) if ($i == "lladdr") mac = tolower($(i + 1))
            if ($NF == "REACHABLE" && mac != "") print "arp answer=" $1 " " mac
            else if ($NF == "FAILED" || $NF == "INCOMPLETE") print "arp silent=" $1
            else if (mac != "") print "arp old=" $1 " " mac
        }'
}

arp() {
    kind=$(arping_kind)
    if [ -n "$kind" ]; then
        echo "arp tool=arping ($kind)"
        ask_by_arping "$kind" | replies
    elif have ping && have ip; then
        echo "arp tool=ping, ip neigh"
        ask_by_kernel
    else
        echo "arp tool="
    fi
}

# The words of dhcpcd's hook (a shell may put them in quotes), and what its log says besides.
by_dhcpcd() {
    timeout -k 2 $((OFFER_SECONDS + 3)) \
        dhcpcd -f /dev/null -4 -L -1 -T -t "$OFFER_SECONDS" "$arg_nic" </dev/null 2>&1 |
        awk '
            { value = $0; sub(/^[^=]*=/, "", value); gsub(/[^0-9.]/, " ", value); split(value, first, " ") }
            /^new_ip_address=/ { print "dhcp offer=" first[1]; next }
            /^new_dhcp_server_identifier=/ { print "dhcp server=" first[1]; next }
            /^new_routers=/ { print "dhcp router=" first[1]; next }
            /^timed out/ { print "dhcp silent=1"; next }
            /^[a-z_]+=/ || /^dhcpcd/ || /: (soliciting|offered) / || /^$/ { next }
            { print "dhcp said=" $0 }'
}

by_nmap() {
    timeout -s KILL $((OFFER_SECONDS + 16)) nmap -e "$arg_nic" --script broadcast-dhcp-discover \
        --script-args "broadcast-dhcp-discover.timeout=${OFFER_SECONDS}s" </dev/null 2>&1 |
        awk '
            { text = $0; sub(/^[|_ ]+/, "", text) }
            text ~ /^IP Offered: / { offers++; print "dhcp offer=" $NF; next }
            text ~ /^Server Identifier: / { print "dhcp server=" $NF; next }
            text ~ /^Router: / { sub(/^Router: /, "", text); sub(/,.*/, "", text); print "dhcp router=" text; next }
            text ~ /^Nmap done: / { done = 1 }
            text ~ /ERROR|QUITTING|NSE: failed|requires root/ { print "dhcp said=" text; wrong = 1 }
            END { if (done && !offers && !wrong) print "dhcp silent=1" }'
}

dhcp() {
    if ! have timeout; then
        echo "dhcp tool="
    elif have dhcpcd; then
        echo "dhcp tool=dhcpcd"
        by_dhcpcd
    elif have nmap; then
        echo "dhcp tool=nmap"
        by_nmap
    else
        echo "dhcp tool="
    fi
}

vrrp() {
    if have tcpdump && have timeout; then
        echo "vrrp tool=tcpdump"
        timeout -s INT -k 2 "$LISTEN_SECONDS" \
            tcpdump -i "$arg_nic" -nn -t -l -c 100 'ip proto 112 or ip6 proto 112' </dev/null 2>&1 |
            awk '
                /^listening on / { print "vrrp listened=1"; next }
                /^IP6? / { if (!seen[$0]++) print "vrrp heard=" $0; next }
                /^tcpdump: (verbose|data link|listening)|packets? (captured|received|dropped)|^$/ { next }
                { print "vrrp said=" $0 }'
    else
        echo "vrrp tool="
    fi
}

wanted() {
    case " $arg_parts " in *" $1 "*) return 0 ;; esac
    return 1
}

# Lines of a part begin with its name: the parts run side by side and share one pipe.
everything() {
    if wanted arp; then arp & fi
    if wanted dhcp; then dhcp & fi
    if wanted vrrp; then vrrp & fi
    wait
}

echo "== wire"
if [ -e "/sys/class/net/$arg_nic" ]; then
    echo "|nic=1"
    everything | awk '
        { name = $1; sub(/^[a-z]+ /, ""); text[name] = text[name] "|" $0 "\n" }
        END { for (name in text) printf "== %s\n%s", name, text[name] }'
else
    echo "|nic=0"
fi
echo "== end"
