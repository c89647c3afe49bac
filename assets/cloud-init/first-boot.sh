# The end of the first boot: the clock is kept, and the guest agent is there if it can be had. Without a network the
# guest comes up all the same: the agent only makes snapshots and shutdowns gentler.
timedatectl set-ntp true || :
# cloud-init keeps copies of what it was told, our host key among it. It needs none of them after this boot: at the next
# it reads the seed anew, which tells the same without the key by then.
told=/var/lib/cloud/instance
rm -f "$told/user-data.txt" "$told/user-data.txt.i" "$told/cloud-config.txt" "$told/obj.pkl"
rm -f /run/cloud-init/combined-cloud-config.json
command -v qemu-ga >/dev/null 2>&1 && exit 0
export DEBIAN_FRONTEND=noninteractive
quick="-o Acquire::Retries=0 -o Acquire::http::Timeout=10 -o DPkg::Lock::Timeout=30"
# shellcheck disable=SC2086 # options, split on purpose
timeout 60 apt-get $quick -qq update && timeout 120 apt-get $quick -qq -y --no-install-recommends install qemu-guest-agent
exit 0
