#!/bin/sh
# Stands in for virsh and qemu-img: guests are files of $FAKE, one folder per driver; every call is kept in $FAKE/calls.
tool=${0##*/}
echo "$tool $*" >>"$FAKE/calls"
if [ "$tool" = qemu-img ]; then
    case $1 in
    create) for word; do last=$previous previous=$word; done && truncate -s "$previous" "$last" ;;
    resize) truncate -s "$6" "$5" ;;
    esac
    exit
fi
while :; do
    case $1 in
    -q | -r) shift ;;
    -c) uri=$2 && shift 2 ;;
    *) break ;;
    esac
done
case $uri in lxc*) guests=$FAKE/lxc ;; *) guests=$FAKE/qemu ;; esac
[ -d "$guests" ] || {
    echo "error: failed to connect to the hypervisor" >&2
    exit 1
}
name=$2
case $1 in
list)
    for file in "$guests"/*.xml; do
        [ -e "$file" ] || continue
        file=${file##*/}
        case $* in *--autostart*) [ -e "$guests/${file%.xml}.autostart" ] || continue ;; esac
        echo "${file%.xml}"
    done
    ;;
dominfo) [ -e "$guests/$name.xml" ] ;;
dumpxml)
    for word; do
        case $word in dumpxml | --*) ;; *) name=$word ;; esac
    done
    cat "$guests/$name.xml"
    ;;
domstate\ *)
    # Two commands in one string, as the reading script gives them.
    name=$(echo "$1" | sed 's/domstate \([^ ]*\) .*/\1/')
    if [ -e "$guests/$name.running" ]; then echo "running (booted)"; else echo "shut off (shutdown)"; fi
    cat "$guests/$name.xml"
    ;;
domstate) if [ -e "$guests/$name.running" ]; then echo running; else echo "shut off"; fi ;;
define)
    made=$(sed -n 's/.*<name>\(.*\)<\/name>.*/\1/p' "$2")
    cp "$2" "$guests/$made.xml"
    ;;
autostart) : >"$guests/$name.autostart" ;;
start) : >"$guests/$name.running" ;;
shutdown | destroy) rm -f "$guests/$name.running" ;;
undefine)
    for word; do
        case $word in undefine | --*) ;; *) rm -f "$guests/$word.xml" "$guests/$word.autostart" ;; esac
    done
    ;;
change-media) ;;
*) exit 1 ;;
esac
