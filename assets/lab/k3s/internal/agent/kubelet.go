package agent

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"homelab.arpa/lab/k3s/internal/process"
)

// startKubelet writes our defaults as the first drop-in: files of the user with later names win, and kubelet-arg over both.
func (a *Agent) startKubelet() error {
	folder := a.file("etc", "kubelet.conf.d")
	for _, needed := range []string{folder, a.file("pod-manifests")} {
		if err := os.MkdirAll(needed, 0o700); err != nil {
			return err
		}
	}
	text, err := yaml.Marshal(a.kubeletConfig())
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "00-k3s-defaults.conf"), text, 0o600); err != nil {
		return err
	}
	args := process.Args{
		"config-dir":        folder,
		"hostname-override": a.options.NodeName,
		"kubeconfig":        a.file("kubelet.kubeconfig"),
		"node-ip":           joined(a.options.NodeIPs),
		"node-labels":       strings.Join(append([]string{"node.kubernetes.io/instance-type=k3s"}, a.options.Labels...), ","),
		"v":                 strconv.Itoa(a.options.Verbosity),
	}
	if len(a.options.Taints) > 0 {
		args["register-with-taints"] = strings.Join(a.options.Taints, ",")
	}
	return a.group.Kubernetes("kubelet", args.With(a.options.KubeletArgs))
}

func (a *Agent) kubeletConfig() map[string]any {
	driver := "cgroupfs"
	if systemdCgroups() {
		driver = "systemd"
	}
	return map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1",
		"kind":       "KubeletConfiguration",
		"address":    "0.0.0.0",
		"authentication": map[string]any{
			"anonymous": map[string]any{"enabled": false},
			"webhook":   map[string]any{"enabled": true},
			"x509":      map[string]any{"clientCAFile": a.file("client-ca.crt")},
		},
		"authorization":            map[string]any{"mode": "Webhook"},
		"cgroupDriver":             driver,
		"clusterDNS":               []string{a.shared.ClusterDNS},
		"clusterDomain":            a.shared.ClusterDomain,
		"containerRuntimeEndpoint": "unix://" + containerdSocket,
		"evictionHard":             map[string]string{"imagefs.available": "5%", "nodefs.available": "5%"},
		"evictionMinimumReclaim":   map[string]string{"imagefs.available": "10%", "nodefs.available": "10%"},
		"failCgroupV1":             false,
		"failSwapOn":               false,
		"healthzBindAddress":       "127.0.0.1",
		"protectKernelDefaults":    a.options.KernelDefaults,
		"resolvConf":               a.resolvConf(),
		"serializeImagePulls":      false,
		"staticPodPath":            a.file("pod-manifests"),
		"syncFrequency":            "30s",
		"tlsCertFile":              a.file("serving-kubelet.crt"),
		"tlsPrivateKeyFile":        a.file("serving-kubelet.key"),
	}
}

// resolvConf is the first file whose name servers pods can reach: systemd-resolved's stub on loopback is of no use to them.
func (a *Agent) resolvConf() string {
	if a.options.ResolvConf != "" {
		return a.options.ResolvConf
	}
	for _, path := range []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"} {
		if usable(path) {
			return path
		}
	}
	path := a.file("etc", "resolv.conf")
	_ = os.WriteFile(path, []byte("nameserver 8.8.8.8\n"), 0o644) // K3s's own last resort
	return path
}

func usable(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	good := false
	for lines := bufio.NewScanner(file); lines.Scan(); {
		word := strings.Fields(lines.Text())
		if len(word) < 2 || word[0] != "nameserver" {
			continue
		}
		if address := net.ParseIP(word[1]); address == nil || !address.IsGlobalUnicast() {
			return false
		}
		good = true
	}
	return good
}

func (a *Agent) startProxy() error {
	args := process.Args{
		"cluster-cidr":                      a.shared.ClusterCIDR,
		"conntrack-max-per-core":            "0",
		"conntrack-tcp-timeout-close-wait":  "0s",
		"conntrack-tcp-timeout-established": "0s",
		"healthz-bind-address":              "127.0.0.1",
		"hostname-override":                 a.options.NodeName,
		"kubeconfig":                        a.file("kubeproxy.kubeconfig"),
		"proxy-mode":                        "iptables",
	}
	return a.group.Kubernetes("kube-proxy", args.With(a.options.ProxyArgs))
}
