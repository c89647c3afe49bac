#!/bin/sh
# Lab equipment: Unraid's array driver, which a container cannot have; what it says follows var.ini.
case ${1-} in
status)
    state=$(sed -n 's/^mdState="\(.*\)"/\1/p' /var/local/emhttp/var.ini)
    printf 'sbName=/boot/config/super.dat\nsbVersion=2.9.34\nmdVersion=2.9.34\nmdState=%s\nmdNumDisks=1\nmdNumDisabled=0\n' "$state"
    printf 'mdNumInvalid=0\nmdNumMissing=0\nmdResync=0\nmdResyncAction=check P\ndiskName.1=md1p1\nrdevName.1=sdb\nrdevStatus.1=DISK_OK\n'
    ;;
*)
    echo "mdcmd: the lab's array only tells its status" >&2
    exit 1
    ;;
esac
