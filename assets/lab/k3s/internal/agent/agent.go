// Package agent is a K3s agent: it joins a server and runs containerd, the kubelet, kube-proxy and the pod network.
package agent

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"homelab.arpa/lab/k3s/internal/access"
	"homelab.arpa/lab/k3s/internal/cli"
	"homelab.arpa/lab/k3s/internal/process"
	"homelab.arpa/lab/k3s/internal/token"
)

const nodeFolder = "/etc/rancher/node"

// retry is how long an agent waits before it asks a server again.
const retry = 5 * time.Second

// Agent is one node.
type Agent struct {
	options  cli.Agent
	folder   string
	programs string
	group    *process.Group
	shared   cli.Shared
	// apiURL is where this node's programs find an API server: the load balancer, or the server on this node.
	apiURL string
}

// New is an agent that was not started yet; programs is the folder of the unpacked payload.
func New(options cli.Agent, programs string, group *process.Group) *Agent {
	return &Agent{options: options, folder: filepath.Join(options.DataDir, "agent"), programs: programs, group: group}
}

// CompleteNode fills in what was not told: the node's address, and the number behind its name where that is wanted.
func CompleteNode(options *cli.Agent) error {
	if len(options.NodeIPs) == 0 {
		address, err := utilnet.ChooseHostInterface()
		if err != nil {
			return err
		}
		options.NodeIPs = []net.IP{address}
	}
	if !options.WithNodeID {
		return nil
	}
	id, err := kept(filepath.Join(nodeFolder, "id"), 4)
	options.NodeName += "-" + id
	return err
}

// Join runs the load balancer in front of the servers and then the node; it returns when the node's programs run.
func (a *Agent) Join(ctx context.Context) error {
	balancer, err := newBalancer(a.options.ServerURL, a.file("etc", "k3s-agent-load-balancer.json"))
	if err != nil {
		return err
	}
	address := net.JoinHostPort("127.0.0.1", fmt.Sprint(a.options.BalancerPort))
	if err := balancer.listen(ctx, address); err != nil {
		return err
	}
	logrus.Infof("Running load balancer k3s-agent-load-balancer %s -> %v [default: %s]", address, balancer.list(), balancer.origin)
	a.apiURL = "https://" + address
	access.WarnOfShort(a.options.Token)
	go balancer.learn(ctx, a.options.Token)
	return a.Run(ctx)
}

// Local runs the node of a server, beside its API.
func (a *Agent) Local(ctx context.Context, url string) error {
	a.apiURL = url
	return a.Run(ctx)
}

// Run asks for the node's settings until a server gives them, and starts its programs.
func (a *Agent) Run(ctx context.Context) error {
	for {
		err := a.configure()
		if err == nil {
			break
		}
		logrus.Infof("Waiting to retrieve agent configuration; server is not ready: %v", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retry):
		}
	}
	a.setPath()
	setupKernel()
	if err := a.startContainerd(ctx); err != nil {
		return err
	}
	if err := a.importImages(ctx); err != nil {
		return err
	}
	go a.watchImages(ctx)
	if err := a.startKubelet(); err != nil {
		return err
	}
	if !a.shared.DisableKubeProxy {
		if err := a.startProxy(); err != nil {
			return err
		}
	}
	if a.shared.FlannelBackend != "none" {
		go a.keepNetwork(ctx)
	}
	return nil
}

func (a *Agent) configure() error {
	info, err := access.Open(a.apiURL, a.options.Token, "node")
	if err != nil {
		return err
	}
	return a.fetch(info)
}

func (a *Agent) file(parts ...string) string {
	return filepath.Join(append([]string{a.folder}, parts...)...)
}

func (a *Agent) program(name string) string { return filepath.Join(a.programs, "bin", name) }

// setPath puts our programs first, and our iptables where the host has none or ours is preferred.
func (a *Agent) setPath() {
	bin, aux, host := filepath.Join(a.programs, "bin"), filepath.Join(a.programs, "bin", "aux"), os.Getenv("PATH")
	order := []string{bin, host, "/usr/sbin", "/sbin", aux}
	if a.options.PreferBundled {
		order = []string{bin, aux, host}
	}
	_ = os.Setenv("PATH", strings.Join(order, ":"))
}

// kept is a secret of so many bytes that is made once and kept in a file.
func kept(path string, size int) (string, error) {
	content, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(content)), nil
	}
	if !os.IsNotExist(err) {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	secret := token.Random(size)
	return secret, os.WriteFile(path, []byte(secret+"\n"), 0o600)
}
