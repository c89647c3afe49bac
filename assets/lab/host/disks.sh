#!/bin/sh
# Gives a lab host its physical disks. Sourced by init.sh; the host's table is $LAB/disks.
#
# `lsblk` is the real one, reading a description of the hardware instead of the machine's own /sys
# (its --sysroot option); numbers of real devices in it are those of the loop devices that hold the data.
SYSROOT=/run/lab/sysroot

# A bus address by transport: what lsblk derives TRAN from.
bus_path() {
    case $1 in
    nvme) echo "pci0000:00/0000:00:1d.$2/nvme/${3%n1}" ;;
    mmc) echo "platform/emmc/mmc_host/mmc0/mmc0:aaaa" ;;
    usb) echo "pci0000:00/0000:00:14.0/usb2/2-$2/2-$2:1.0/host$2/target$2:0:0/$2:0:0:0" ;;
    *) echo "pci0000:00/0000:00:17.0/ata$2/host$2/target$2:0:0/$2:0:0:0" ;;
    esac
}

describe_disk() { # name number maj:min bytes tran rota
    bus=$(bus_path "$5" "$2" "$1")
    folder="$SYSROOT/sys/devices/$bus/block/$1"
    mkdir -p "$folder/queue" "$folder/holders" "$folder/slaves"
    echo "$6" >"$folder/queue/rotational"
    echo 512 >"$folder/queue/logical_block_size"
    echo 4096 >"$folder/queue/physical_block_size"
    [ "$5" = usb ] && echo 1 >"$folder/removable" || echo 0 >"$folder/removable"
    ln -s "../devices/$bus/block/$1" "$SYSROOT/sys/block/$1"
    ln -s "../../../${bus##*/}" "$folder/device"
    case $5 in
    usb | sata)
        ln -s "../../../devices/$bus" "$SYSROOT/sys/bus/scsi/devices/$2:0:0:0"
        mkdir -p "$SYSROOT/sys/class/scsi_host/host$2"
        [ "$5" = usb ] && driver=usb-storage || driver=ahci
        echo "$driver" >"$SYSROOT/sys/class/scsi_host/host$2/proc_name"
        ;;
    esac
    describe_common "$folder" "$1" "$3" "$4" disk
}

describe_part() { # name parent number maj:min bytes
    folder=$(readlink -f "$SYSROOT/sys/block/$2")/$1
    mkdir -p "$folder/holders" "$folder/slaves"
    echo "$3" >"$folder/partition"
    echo 2048 >"$folder/start"
    describe_common "$folder" "$1" "$4" "$5" partition
}

describe_common() { # folder name maj:min bytes type
    echo "$3" >"$1/dev"
    echo $(($4 / 512)) >"$1/size"
    echo 0 >"$1/ro"
    printf 'MAJOR=%s\nMINOR=%s\nDEVNAME=%s\nDEVTYPE=%s\n' "${3%:*}" "${3#*:}" "$2" "$5" >"$1/uevent"
    ln -s "../..${1#"$SYSROOT/sys"}" "$SYSROOT/sys/dev/block/$3"
}

# udev's knowledge of a device, as lsblk reads it.
describe_udev() { # name fstype model serial label uuid
    {
        [ "$2" = - ] || printf "ID_FS_TYPE=%s\n" "$2"
        [ "$3" = - ] || printf 'ID_MODEL=%s\n' "$3" | tr '~' ' '
        [ "$4" = - ] || printf 'ID_SERIAL_SHORT=%s\n' "$4"
        [ "$5" = - ] || printf "ID_FS_LABEL_ENC=%s\n" "$5"
        [ -z "$6" ] || printf "ID_FS_UUID_ENC=%s\n" "$6"
    } >"$SYSROOT/dev/$1"
}

# A free loop device; one past the nodes made at boot gets its own.
free_loop() {
    free=$(losetup --find) || return 1
    free=${free%% *} # "(lost)" is said of a device without a node
    [ -e "$free" ] || mknod "$free" b 7 "${free#/dev/loop}"
    echo "$free"
}

# Attach an image. The device goes by itself when its last holder goes (autoclear), so a killed lab leaves none.
attach() { # name bytes -> prints maj:min
    image="$KEEP/$1.img"
    [ -e "$image" ] || truncate -s "$2" "$image"
    # Three hosts take devices at once: one that lost the race tries the next.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        free=$(free_loop) || sleep 0.2
        losetup "$free" "$image" 2>/dev/null && break
        free=
    done
    [ -n "$free" ] || return 1
    number=${free#/dev/loop}
    rm -f "/dev/$1"
    mknod -m 660 "/dev/$1" b 7 "$number"
    sleep infinity >/dev/null 2>&1 9<"/dev/$1" &
    # Wait until the holder has it open, then mark it for clearing.
    until [ "$(readlink "/proc/$!/fd/9")" = "/dev/$1" ]; do sleep 0.01; done
    losetup -d "$free"
    echo "7:$number"
}

limit() { # maj:min bytes-per-second io-per-second
    for what in "write_bps $2" "read_bps $(($2 * 2))" "write_iops $3"; do
        echo "$1 ${what#* }" >"/sys/fs/cgroup/blkio/blkio.throttle.${what% *}_device" 2>/dev/null
    done
    [ -w /sys/fs/cgroup/io.max ] && echo "$1 wbps=$2 rbps=$(($2 * 2)) wiops=$3" >/sys/fs/cgroup/io.max
}

make_fs() { # name fstype label
    [ -n "$(blkid -p -o value -s TYPE "/dev/$1")" ] && return
    case $2 in
    ext4 | vfat) mkfs.ext4 -q -F -L "$3" -E lazy_itable_init=1,lazy_journal_init=1 -J size=8 "/dev/$1" ;;
    xfs) mkfs.xfs -q -L "$3" "/dev/$1" ;;
    btrfs) mkfs.btrfs -q -L "$3" "/dev/$1" ;;
    esac
}

# Read the table: name parent bytes tran rota model serial fstype label mount backing
# backing: paper = only described, paper:MAJ:MIN = as that device; data = a real device; data:BPS:IOPS = a slow one
disks() {
    mkdir -p "$SYSROOT/dev" "$SYSROOT/proc/self" "$SYSROOT/sys/block" "$SYSROOT/sys/dev/block" \
        "$SYSROOT/sys/bus/scsi/devices"
    ln -s /proc/self/mountinfo "$SYSROOT/proc/self/mountinfo"
    printf 'Filename\tType\tSize\tUsed\tPriority\n' >"$SYSROOT/proc/swaps"
    count=0
    part=0
    while read -r name parent bytes tran rota model serial fstype label mount backing; do
        case $name in '#'* | '') continue ;; esac
        count=$((count + 1))
        number="8:$((count * 16))"
        case $backing in
        paper:*) number=${backing#paper:} ;;
        data*)
            number=$(attach "$name" "$bytes") || say "disk $name: no free loop device"
            ;;
        esac
        if [ "$parent" = - ]; then
            part=0
            describe_disk "$name" "$count" "$number" "$bytes" "$tran" "$rota"
        else
            part=$((part + 1))
            describe_part "$name" "$parent" "$part" "$number" "$bytes"
        fi
        case $backing in data:*)
            speed=${backing#data:}
            limit "$number" "${speed%:*}" "${speed#*:}"
            ;;
        esac
        uuid=
        case $backing in data*)
            [ "$fstype" = - ] || make_fs "$name" "$fstype" "$label"
            uuid=$(blkid -p -o value -s UUID "/dev/$name")
            ;;
        esac
        describe_udev "$name" "$fstype" "$model" "$serial" "$label" "$uuid"
    done <"$LAB/disks"
}

# Mount what the table says, under the new root. / is done before, by new_root.
mount_disks() {
    # A second boot of the same container must not find the lines of the first.
    if [ -f /etc/fstab ]; then sed -i '/^UUID=/d' /etc/fstab; fi
    while read -r name _ _ _ _ _ _ fstype _ mount backing; do
        case $name in '#'* | '') continue ;; esac
        case $mount:$backing in
        -:* | /:*) ;;
        *:data*)
            mkdir -p "$mount"
            options=noatime
            [ "$fstype" = vfat ] && options=noatime,nosuid,nodev,noexec # as Unraid mounts its flash
            mount -o "$options" "/dev/$name" "$mount" || say "disk $name: not mounted on $mount"
            [ "$PLATFORM" = unraid ] ||
                echo "UUID=$(blkid -p -o value -s UUID "/dev/$name") $mount $fstype defaults,noatime,nofail 0 2" >>/etc/fstab
            ;;
        esac
    done <"$LAB/disks"
}
