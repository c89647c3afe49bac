# Makes a file system on the data disk at the first boot that finds it empty. Args: serial, uuid.
# A disk that carries anything at all (a file system, a partition table, a volume of LVM or RAID) is left as it is.
disk=/dev/disk/by-id/virtio-$1
waited=0
while [ ! -e "$disk" ] && [ "$waited" -lt 30 ]; do
    udevadm settle --timeout=1 2>/dev/null || :
    [ -e "$disk" ] || sleep 1
    waited=$((waited + 1))
done
[ -e "$disk" ] || exit 0
blkid -p "$disk" >/dev/null 2>&1
# 2: nothing was found on it. Anything else means something was, or that it could not be read.
[ $? -eq 2 ] || exit 0
mkfs.ext4 -q -U "$2" "$disk" && udevadm settle --timeout=10
