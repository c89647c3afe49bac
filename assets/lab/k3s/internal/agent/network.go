package agent

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// networkInterval is how often routes and rules are compared with the nodes there are.
const networkInterval = 5 * time.Second

const cniConfig = `{
  "name": "cbr0",
  "cniVersion": "1.0.0",
  "plugins": [
    {
      "type": "bridge", "bridge": "cni0", "isDefaultGateway": true, "forceAddress": true, "hairpinMode": true, "mtu": 1500,
      "ipam": {"type": "host-local", "subnet": %q, "routes": [{"dst": %q}]}
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`

// keepNetwork connects the pods of all nodes as flannel's host-gw does: a bridge here, a route to every other node's pods.
func (a *Agent) keepNetwork(ctx context.Context) {
	config, err := clientcmd.BuildConfigFromFlags("", a.file("k3scontroller.kubeconfig"))
	if err != nil {
		logrus.Fatalf("pod network: %v", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		logrus.Fatalf("pod network: %v", err)
	}
	routed := map[string]bool{}
	for {
		if err := a.network(ctx, client, routed); err != nil && ctx.Err() == nil {
			logrus.Debugf("pod network: %v", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(networkInterval):
		}
	}
}

func (a *Agent) network(ctx context.Context, client kubernetes.Interface, routed map[string]bool) error {
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, node := range nodes.Items {
		if node.Spec.PodCIDR == "" {
			continue
		}
		if node.Name == a.options.NodeName {
			if err := a.writeCNI(node.Spec.PodCIDR); err != nil {
				return err
			}
			continue
		}
		wanted[node.Spec.PodCIDR] = true
		if err := route(node); err != nil {
			logrus.Warnf("Route to the pods of %s: %v", node.Name, err)
			continue
		}
		routed[node.Spec.PodCIDR] = true
	}
	for cidr := range routed {
		if !wanted[cidr] {
			unroute(cidr)
			delete(routed, cidr)
		}
	}
	return a.masquerade(ctx)
}

func (a *Agent) writeCNI(cidr string) error {
	path := a.file("etc", "cni", "net.d", "10-flannel.conflist")
	text := fmt.Sprintf(cniConfig, cidr, a.shared.ClusterCIDR)
	if now, err := os.ReadFile(path); err == nil && string(now) == text {
		return nil
	}
	if err := os.MkdirAll("/run/flannel", 0o755); err != nil {
		return err
	}
	_, network, err := net.ParseCIDR(cidr)
	if err != nil {
		return err
	}
	ones, _ := network.Mask.Size()
	gateway := append(net.IP{}, network.IP...)
	gateway[len(gateway)-1]++
	subnet := fmt.Sprintf("FLANNEL_NETWORK=%s\nFLANNEL_SUBNET=%s/%d\nFLANNEL_MTU=1500\nFLANNEL_IPMASQ=true\n", a.shared.ClusterCIDR, gateway, ones)
	if err := os.WriteFile("/run/flannel/subnet.env", []byte(subnet), 0o644); err != nil {
		return err
	}
	logrus.Infof("Wrote flannel subnet file to /run/flannel/subnet.env: pods of this node have %s, by host-gw", cidr)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func route(node corev1.Node) error {
	_, network, err := net.ParseCIDR(node.Spec.PodCIDR)
	if err != nil {
		return err
	}
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP {
			return netlink.RouteReplace(&netlink.Route{Dst: network, Gw: net.ParseIP(address.Address)})
		}
	}
	return nil // its kubelet has not told an address yet
}

func unroute(cidr string) {
	if _, network, err := net.ParseCIDR(cidr); err == nil {
		_ = netlink.RouteDel(&netlink.Route{Dst: network})
	}
}

// masquerade lets pods reach the world under this node's address, and each other under their own.
func (a *Agent) masquerade(ctx context.Context) error {
	pods := a.shared.ClusterCIDR
	rules := [][]string{
		{"nat", "POSTROUTING", "-s", pods, "!", "-d", pods, "-m", "comment", "--comment", "flanneld masq", "-j", "MASQUERADE"},
		{"filter", "FORWARD", "-s", pods, "-m", "comment", "--comment", "flanneld forward", "-j", "ACCEPT"},
		{"filter", "FORWARD", "-d", pods, "-m", "comment", "--comment", "flanneld forward", "-j", "ACCEPT"},
	}
	for _, rule := range rules {
		if iptables(ctx, "-C", rule) == nil {
			continue
		}
		if err := iptables(ctx, "-A", rule); err != nil {
			return err
		}
	}
	return nil
}

func iptables(ctx context.Context, action string, rule []string) error {
	args := append([]string{"-w", "5", "-t", rule[0], action}, rule[1:]...)
	output, err := exec.CommandContext(ctx, "iptables", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("iptables: %w: %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}

// setupKernel does what K3s does before the network: the modules (which a container may not load) and the switches.
func setupKernel() {
	for _, module := range []string{"overlay", "nf_conntrack", "br_netfilter", "iptable_nat", "iptable_filter"} {
		if _, err := os.Stat(filepath.Join("/sys/module", module)); err == nil {
			continue
		}
		if err := exec.Command("modprobe", "--", module).Run(); err != nil {
			logrus.Warnf("Failed to load kernel module %v with modprobe", module)
		}
	}
	settings := map[string]string{
		"net/ipv4/ip_forward": "1", "net/ipv4/conf/all/forwarding": "1", "net/bridge/bridge-nf-call-iptables": "1",
	}
	for name, value := range settings {
		path := filepath.Join("/proc/sys", name)
		if now, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(now)) == value {
			continue
		}
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			logrus.Warnf("Failed to set sysctl: %v", err)
		}
	}
}
