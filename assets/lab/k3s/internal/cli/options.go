package cli

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"homelab.arpa/lab/k3s/internal/token"
)

// DefaultDataDir is where K3s keeps its state.
const DefaultDataDir = "/var/lib/rancher/k3s"

// Agent is what a node is told; a server is a node too.
type Agent struct {
	DataDir, ServerURL, Token            string
	NodeName                             string
	NodeIPs, NodeExternalIPs             []net.IP
	Labels, Taints                       []string
	PauseImage, Snapshotter, ResolvConf  string
	KubeletArgs, ProxyArgs               []string
	BalancerPort, Verbosity              int
	PreferBundled, KernelDefaults, Debug bool
	WithNodeID                           bool
}

// Server is what a server is told beside that.
type Server struct {
	Agent                                        Agent
	Token, AgentToken, JoinURL                   string
	BindAddress, AdvertiseAddress                string
	HTTPSPort, AdvertisePort                     int
	TLSSANs                                      []string
	Shared                                       Shared
	NodePorts                                    string
	Kubeconfig, KubeconfigMode                   string
	HelmJobImage, Registry                       string
	Endpoint, EtcdCA, EtcdCert, EtcdKey          string
	APIServerArgs, ControllerArgs, SchedulerArgs []string
	Disable                                      []string
	DisableScheduler                             bool
	DisableHelmController                        bool
}

// Shared is what must be the same on all servers; agents are told it by the server they join.
type Shared struct {
	ClusterCIDR, ServiceCIDR, ClusterDNS, ClusterDomain string
	FlannelBackend                                      string
	DisableKubeProxy, DisableNetworkPolicy              bool
	DisableCloudController, DisableHelmController       bool
	DisableServiceLB, SecretsEncryption                 bool
	SecretsProvider                                     string
	HTTPSPort                                           int
}

// ReadAgent takes the agent's part from a parsed command line.
func ReadAgent(c *cli.Context) (Agent, error) {
	secret, err := token.Given(c.String("token"), c.String("token-file"))
	if err != nil {
		return Agent{}, err
	}
	a := Agent{
		DataDir: c.String("data-dir"), ServerURL: strings.TrimRight(c.String("server"), "/"), Token: secret,
		NodeName: strings.ToLower(c.String("node-name")),
		Labels:   split(c.StringSlice("node-label")), Taints: split(c.StringSlice("node-taint")),
		PauseImage: c.String("pause-image"), Snapshotter: c.String("snapshotter"), ResolvConf: c.String("resolv-conf"),
		KubeletArgs: c.StringSlice("kubelet-arg"), ProxyArgs: c.StringSlice("kube-proxy-arg"),
		BalancerPort: c.Int("lb-server-port"), Verbosity: c.Int("v"),
		PreferBundled: c.Bool("prefer-bundled-bin"), KernelDefaults: c.Bool("protect-kernel-defaults"),
		Debug: c.Bool("debug"), WithNodeID: c.Bool("with-node-id"),
	}
	if a.DataDir == "" {
		a.DataDir = DefaultDataDir
	}
	if a.NodeName == "" {
		host, err := os.Hostname()
		if err != nil {
			return Agent{}, err
		}
		a.NodeName = strings.ToLower(host)
	}
	if a.NodeIPs, err = addresses("node-ip", c.StringSlice("node-ip")); err != nil {
		return Agent{}, err
	}
	a.NodeExternalIPs, err = addresses("node-external-ip", c.StringSlice("node-external-ip"))
	return a, err
}

// ReadServer takes the server's settings from a parsed command line.
func ReadServer(c *cli.Context) (Server, error) {
	agent, err := ReadAgent(c)
	if err != nil {
		return Server{}, err
	}
	agentToken, err := token.Given(c.String("agent-token"), c.String("agent-token-file"))
	if err != nil {
		return Server{}, err
	}
	s := Server{
		Agent: agent, Token: agent.Token, AgentToken: agentToken, JoinURL: agent.ServerURL,
		BindAddress: c.String("bind-address"), AdvertiseAddress: c.String("advertise-address"),
		HTTPSPort: c.Int("https-listen-port"), AdvertisePort: c.Int("advertise-port"),
		TLSSANs: split(c.StringSlice("tls-san")), NodePorts: c.String("service-node-port-range"),
		Kubeconfig: c.String("write-kubeconfig"), KubeconfigMode: c.String("write-kubeconfig-mode"),
		HelmJobImage: c.String("helm-job-image"), Registry: c.String("system-default-registry"),
		Endpoint: c.String("datastore-endpoint"), EtcdCA: c.String("datastore-cafile"),
		EtcdCert: c.String("datastore-certfile"), EtcdKey: c.String("datastore-keyfile"),
		APIServerArgs: c.StringSlice("kube-apiserver-arg"), ControllerArgs: c.StringSlice("kube-controller-manager-arg"),
		SchedulerArgs: c.StringSlice("kube-scheduler-arg"), Disable: split(c.StringSlice("disable")),
		DisableScheduler: c.Bool("disable-scheduler"), DisableHelmController: c.Bool("disable-helm-controller"),
	}
	s.Shared, err = readShared(c, s.Disable)
	if err != nil {
		return Server{}, err
	}
	if s.AdvertisePort == 0 {
		s.AdvertisePort = s.HTTPSPort
	}
	return s, s.check()
}

func (s Server) check() error {
	if !strings.HasPrefix(s.Endpoint, "https://") && !strings.HasPrefix(s.Endpoint, "http://") {
		return errors.New("the lab's K3s has neither SQLite, kine nor embedded etcd: --datastore-endpoint must name etcd's URLs (http:// or https://)")
	}
	backend := s.Shared.FlannelBackend
	if backend != "none" && backend != "vxlan" && backend != "host-gw" {
		return fmt.Errorf("the lab's K3s has no flannel backend %q: its pod network is host-gw", backend)
	}
	if provider := s.Shared.SecretsProvider; provider != "aescbc" && provider != "secretbox" {
		return fmt.Errorf("invalid secrets-encryption-provider: %s", provider)
	}
	return nil
}

func readShared(c *cli.Context, disable []string) (Shared, error) {
	shared := Shared{
		ClusterCIDR: one(c, "cluster-cidr", "10.42.0.0/16"), ServiceCIDR: one(c, "service-cidr", "10.43.0.0/16"),
		ClusterDNS: one(c, "cluster-dns", ""), ClusterDomain: c.String("cluster-domain"),
		FlannelBackend: c.String("flannel-backend"), DisableKubeProxy: c.Bool("disable-kube-proxy"),
		DisableNetworkPolicy: c.Bool("disable-network-policy"), DisableCloudController: c.Bool("disable-cloud-controller"),
		DisableHelmController: c.Bool("disable-helm-controller"), SecretsEncryption: c.Bool("secrets-encryption"),
		SecretsProvider: c.String("secrets-encryption-provider"), HTTPSPort: c.Int("https-listen-port"),
	}
	for _, name := range disable {
		shared.DisableServiceLB = shared.DisableServiceLB || name == "servicelb"
	}
	for flag, value := range map[string]string{"cluster-cidr": shared.ClusterCIDR, "service-cidr": shared.ServiceCIDR} {
		if _, _, err := net.ParseCIDR(value); err != nil {
			return shared, fmt.Errorf("invalid %s %s: %w", flag, value, err)
		}
	}
	if shared.ClusterDNS == "" {
		shared.ClusterDNS = nth(shared.ServiceCIDR, 10).String()
	}
	if net.ParseIP(shared.ClusterDNS) == nil {
		return shared, fmt.Errorf("invalid cluster-dns %s", shared.ClusterDNS)
	}
	return shared, nil
}

// Mismatched names the settings in which two servers differ, as K3s names them.
func (s Shared) Mismatched(other Shared) []string {
	pairs := []struct {
		name string
		same bool
	}{
		{"cluster-cidr", s.ClusterCIDR == other.ClusterCIDR},
		{"cluster-dns", s.ClusterDNS == other.ClusterDNS},
		{"cluster-domain", s.ClusterDomain == other.ClusterDomain},
		{"disable-cloud-controller", s.DisableCloudController == other.DisableCloudController},
		{"disable-helm-controller", s.DisableHelmController == other.DisableHelmController},
		{"disable-kube-proxy", s.DisableKubeProxy == other.DisableKubeProxy},
		{"disable-network-policy", s.DisableNetworkPolicy == other.DisableNetworkPolicy},
		{"disable servicelb", s.DisableServiceLB == other.DisableServiceLB},
		{"flannel-backend", s.FlannelBackend == other.FlannelBackend},
		{"secrets-encryption", s.SecretsEncryption == other.SecretsEncryption},
		{"service-cidr", s.ServiceCIDR == other.ServiceCIDR},
	}
	var names []string
	for _, pair := range pairs {
		if !pair.same {
			names = append(names, pair.name)
		}
	}
	return names
}

// ServiceIP is the address of the API server inside the cluster.
func (s Shared) ServiceIP() net.IP { return nth(s.ServiceCIDR, 1) }

func nth(cidr string, n byte) net.IP {
	_, network, err := net.ParseCIDR(cidr)
	if err != nil {
		return nil
	}
	address := append(net.IP{}, network.IP...)
	address[len(address)-1] += n
	return address
}

func one(c *cli.Context, name, fallback string) string {
	if values := split(c.StringSlice(name)); len(values) > 0 {
		return values[0]
	}
	return fallback
}

func split(values []string) []string {
	var parts []string
	for _, value := range values {
		for _, part := range strings.Split(value, ",") {
			if part != "" {
				parts = append(parts, part)
			}
		}
	}
	return parts
}

func addresses(flag string, values []string) ([]net.IP, error) {
	var found []net.IP
	for _, value := range split(values) {
		address := net.ParseIP(value)
		if address == nil {
			return nil, fmt.Errorf("invalid %s %s", flag, value)
		}
		found = append(found, address)
	}
	return found, nil
}
