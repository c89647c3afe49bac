#!/bin/sh
# Makes a bootable disk of a root file system, without a loop device or a mount. Runs in a container that has
# mke2fs, sfdisk and qemu-img; /vm/root.tar is the root, /vm/disk.qcow2 the result.
set -eu
MIB=1048576
SIZE=2048 # MiB; cloud-init grows the root to the size of the machine's disk
cd /vm
mkdir root
tar -xp --numeric-owner -C root -f root.tar
rm root.tar
truncate -s "${SIZE}M" disk
printf 'label: dos\nstart=2048, type=83, bootable\n' | sfdisk --quiet disk

# GRUB's own boot sector looks for its core in the sectors that follow: the gap before the first partition.
modules='biosdisk part_msdos ext2 normal configfile linux echo serial terminal test'
# shellcheck disable=SC2086 # a list of names
chroot root grub-mkimage -O i386-pc -p '(hd0,msdos1)/boot/grub' -o /core.img $modules
dd if=root/usr/lib/grub/i386-pc/boot.img of=disk bs=440 count=1 conv=notrunc status=none
dd if=root/core.img of=disk bs=512 seek=1 conv=notrunc status=none
rm root/core.img

# GRUB does not read every feature that mke2fs sets by itself.
mke2fs -q -t ext4 -L rootfs -O ^metadata_csum_seed,^orphan_file -d root -E "offset=$MIB" disk "$((SIZE - 1))M"
rm -rf root
qemu-img convert -c -O qcow2 -o compression_type=zstd disk disk.qcow2
