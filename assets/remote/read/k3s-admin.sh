# The administrator's kubeconfig that K3s left on a server. Reads only.
# It holds a private key: whoever asks keeps the answer out of logs and caches.
file=/etc/rancher/k3s/k3s.yaml

echo "== admin"
if [ -f "$file" ]; then
    echo "|there=yes"
    echo "== kubeconfig"
    head -c 65536 "$file" | sed 's/^/|/'
    # A last line without its end would swallow ours.
    echo
else
    echo "|there=no"
fi
echo "== end"
