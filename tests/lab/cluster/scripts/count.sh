#!/bin/sh
# From now on counts how often a guest is defined or started here, outside the wizard: /usr/local/sbin/virsh stands
# before the real one. What was counted lies in /var/tmp/story/virsh, one command a line.
set -eu
mkdir -p /var/tmp/story
: >/var/tmp/story/virsh
cat >/usr/local/sbin/virsh <<'V'
#!/bin/sh
for word in "$@"; do
    case $word in define | start) echo "$*" | sed 's|.* define /.*/\([^/]*\)/definition.new|define \1|; s|.* start |start |' >>/var/tmp/story/virsh ;; esac
done
exec /usr/bin/virsh "$@"
V
chmod 755 /usr/local/sbin/virsh
