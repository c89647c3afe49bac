package server

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sirupsen/logrus"
	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"homelab.arpa/lab/k3s/internal/cli"
	"homelab.arpa/lab/k3s/internal/deploy"
	"homelab.arpa/lab/k3s/internal/pki"
	"homelab.arpa/lab/k3s/internal/process"
	"homelab.arpa/lab/k3s/internal/token"
)

// Kubeconfig is where the administrator's kubeconfig lies unless told otherwise.
const Kubeconfig = "/etc/rancher/k3s/k3s.yaml"

// Server is one server of a cluster.
type Server struct {
	options    cli.Server
	paths      paths
	programs   string
	group      *process.Group
	etcd       *clientv3.Client
	token      string
	passwords  map[string]string
	serverCA   *pki.Authority
	clientCA   *pki.Authority
	kubernetes kubernetes.Interface
	dynamic    dynamic.Interface
	rest       *rest.Config
}

// New is a server that was not started yet; programs is the folder of the unpacked payload.
func New(options cli.Server, programs string, group *process.Group) *Server {
	return &Server{
		options: options, programs: programs, group: group,
		paths: paths{filepath.Join(options.Agent.DataDir, "server")},
	}
}

// Start brings the control plane up and returns when the API server answers.
func (s *Server) Start(ctx context.Context) error {
	if err := os.MkdirAll(s.paths.folder, 0o700); err != nil {
		return err
	}
	var err error
	if s.etcd, err = s.dial(); err != nil {
		return fmt.Errorf("starting kubernetes: preparing server: %w", err)
	}
	if err := s.prepare(ctx); err != nil {
		return fmt.Errorf("starting kubernetes: preparing server: %w", err)
	}
	if err := s.connect(); err != nil {
		return err
	}
	if err := s.startControlPlane(ctx); err != nil {
		return fmt.Errorf("starting kubernetes: %w", err)
	}
	if err := s.writeKubeconfig(); err != nil {
		return err
	}
	return s.startControllers(ctx)
}

// Stop tells the others that this server's API is going away.
func (s *Server) Stop() { s.leave() }

func (s *Server) dial() (*clientv3.Client, error) {
	tls, err := s.etcdTLS()
	if err != nil {
		return nil, err
	}
	return clientv3.New(clientv3.Config{
		Endpoints: endpoints(s.options.Endpoint), TLS: tls, DialTimeout: 5 * time.Second,
		DialKeepAliveTime: 30 * time.Second, DialKeepAliveTimeout: 10 * time.Second,
	})
}

func (s *Server) connect() error {
	config, err := clientcmd.BuildConfigFromFlags("", s.paths.cred("supervisor.kubeconfig"))
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 100, 200
	s.rest = config
	if s.kubernetes, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	s.dynamic, err = dynamic.NewForConfig(config)
	return err
}

func (s *Server) startControlPlane(ctx context.Context) error {
	if err := s.group.Kubernetes("kube-apiserver", s.apiserverArgs()); err != nil {
		return err
	}
	if err := s.serve(ctx); err != nil {
		return err
	}
	logrus.Info("Waiting for API server to become available")
	err := process.Poll(ctx, 500*time.Millisecond, func() bool {
		body, err := s.kubernetes.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err == nil && string(body) == "ok"
	})
	if err != nil {
		return err
	}
	logrus.Info("Kube API server is now running")
	// Only now: the roles that the others need are made when the API server first starts.
	if !s.options.DisableScheduler {
		if err := s.group.Kubernetes("kube-scheduler", s.schedulerArgs()); err != nil {
			return err
		}
	}
	return s.group.Kubernetes("kube-controller-manager", s.controllerArgs())
}

func (s *Server) writeKubeconfig() error {
	path := s.options.Kubeconfig
	if path == "" {
		path = Kubeconfig
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	url := fmt.Sprintf("https://127.0.0.1:%d", s.options.HTTPSPort)
	crt, key := s.paths.tls("client-admin.crt"), s.paths.tls("client-admin.key")
	if err := pki.WriteKubeconfig(path, url, s.paths.tls("server-ca.crt"), crt, key, true); err != nil {
		return err
	}
	logrus.Infof("Wrote kubeconfig %s", path)
	mode, err := strconv.ParseUint(s.options.KubeconfigMode, 8, 32)
	if s.options.KubeconfigMode == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write-kubeconfig-mode %s: %w", s.options.KubeconfigMode, err)
	}
	return os.Chmod(path, os.FileMode(mode))
}

func (s *Server) startControllers(ctx context.Context) error {
	applier, err := deploy.New(s.rest, deploy.Options{
		Folder: s.paths.in("manifests"), Node: s.options.Agent.NodeName, Disable: s.options.Disable,
		Variables: map[string]string{
			"%{CLUSTER_DNS}%":             s.options.Shared.ClusterDNS,
			"%{CLUSTER_DOMAIN}%":          s.options.Shared.ClusterDomain,
			"%{SYSTEM_DEFAULT_REGISTRY}%": registry(s.options.Registry),
		},
	})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.paths.in("static", "charts"), 0o755); err != nil {
		return err
	}
	if err := applier.Stage(); err != nil {
		return err
	}
	go applier.Run(ctx)
	go s.runHelm(ctx)
	go s.keepEndpoints(ctx)
	go s.watchNodes(ctx)
	go s.labelNode(ctx)
	return nil
}

func registry(name string) string {
	if name == "" {
		return ""
	}
	return name + "/"
}

// advertised is the address that the others are told.
func (s *Server) advertised() net.IP {
	if address := net.ParseIP(s.options.AdvertiseAddress); address != nil {
		return address
	}
	if len(s.options.Agent.NodeExternalIPs) > 0 {
		return s.options.Agent.NodeExternalIPs[0]
	}
	return s.options.Agent.NodeIPs[0]
}

// NodeToken is the full token that this server's own node joins with.
func (s *Server) NodeToken() string { return token.Format("node", s.passwords["node"], s.serverCA.PEM) }
