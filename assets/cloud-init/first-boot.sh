# The end of the first boot: the clock is kept. Nothing is fetched: packages come from the wizard, without a network.
timedatectl set-ntp true || :
# cloud-init keeps copies of what it was told, our host key among it. It needs none of them after this boot: at the next
# it reads the seed anew, which tells the same without the key by then.
told=/var/lib/cloud/instance
rm -f "$told/user-data.txt" "$told/user-data.txt.i" "$told/cloud-config.txt" "$told/obj.pkl"
rm -f /run/cloud-init/combined-cloud-config.json
exit 0
