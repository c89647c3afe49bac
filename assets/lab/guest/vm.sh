#!/bin/sh
# The rest of a virtual machine's root: it boots by GRUB and speaks on the serial console. Follows common.sh.

printf 'LABEL=rootfs / ext4 defaults,discard,x-systemd.growfs 0 1\n' >/etc/fstab
mkdir -p /boot/grub
cat >/boot/grub/grub.cfg <<'TEXT'
serial --unit=0 --speed=115200
terminal_output console serial
linux /vmlinuz root=LABEL=rootfs ro console=tty0 console=ttyS0,115200 net.ifnames=0
initrd /initrd.img
boot
TEXT
systemctl --quiet enable systemd-networkd.service
for unit in apt-daily.timer apt-daily-upgrade.timer; do
    ln -sf /dev/null "/etc/systemd/system/$unit"
done
