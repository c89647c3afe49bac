package server

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net"
	"os"
	"strings"

	"homelab.arpa/lab/k3s/internal/pki"
)

// clients are the control plane's own users.
var clients = []struct {
	file, name   string
	organization []string
}{
	{"client-admin", "system:admin", []string{"system:masters"}},
	{"client-supervisor", "system:k3s-supervisor", []string{"system:masters"}},
	{"client-controller", "system:kube-controller-manager", nil},
	{"client-scheduler", "system:kube-scheduler", nil},
	{"client-kube-apiserver", "system:apiserver", []string{"system:masters"}},
}

func (s *Server) makeCertificates() error {
	var err error
	if s.serverCA, err = pki.Load(s.paths.tls("server-ca.crt"), s.paths.tls("server-ca.key")); err != nil {
		return err
	}
	if s.clientCA, err = pki.Load(s.paths.tls("client-ca.crt"), s.paths.tls("client-ca.key")); err != nil {
		return err
	}
	front, err := pki.Load(s.paths.tls("request-header-ca.crt"), s.paths.tls("request-header-ca.key"))
	if err != nil {
		return err
	}
	for _, client := range clients {
		leaf := pki.Leaf{CommonName: client.name, Organization: client.organization}
		if err := s.clientCA.EnsureLeaf(s.paths.tls(client.file+".crt"), s.paths.tls(client.file+".key"), leaf); err != nil {
			return err
		}
	}
	proxy := pki.Leaf{CommonName: "system:auth-proxy"}
	if err := front.EnsureLeaf(s.paths.tls("client-auth-proxy.crt"), s.paths.tls("client-auth-proxy.key"), proxy); err != nil {
		return err
	}
	inner := s.servingLeaf("kube-apiserver")
	if err := s.serverCA.EnsureLeaf(s.paths.tls("serving-kube-apiserver.crt"), s.paths.tls("serving-kube-apiserver.key"), inner); err != nil {
		return err
	}
	outer := s.servingLeaf("k3s")
	if err := s.serverCA.EnsureLeaf(s.paths.tls("serving-k3s.crt"), s.paths.tls("serving-k3s.key"), outer); err != nil {
		return err
	}
	return s.makeKubeconfigs()
}

// servingLeaf holds every name by which this server may be called; as the certificate is kept, names given later wait for
// `k3s certificate rotate`.
func (s *Server) servingLeaf(name string) pki.Leaf {
	domain := s.options.Shared.ClusterDomain
	leaf := pki.Leaf{CommonName: name, Organization: []string{"k3s"}, Server: true, DNSNames: []string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + domain, "localhost", s.options.Agent.NodeName,
	}}
	leaf.IPs = append([]net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback, s.options.Shared.ServiceIP()}, s.options.Agent.NodeIPs...)
	leaf.IPs = append(leaf.IPs, s.options.Agent.NodeExternalIPs...)
	for _, san := range append([]string{s.options.AdvertiseAddress}, s.options.TLSSANs...) {
		if address := net.ParseIP(san); address != nil {
			leaf.IPs = append(leaf.IPs, address)
		} else if san != "" {
			leaf.DNSNames = append(leaf.DNSNames, san)
		}
	}
	return leaf
}

func (s *Server) makeKubeconfigs() error {
	names := map[string]string{
		"admin": "client-admin", "supervisor": "client-supervisor",
		"controller": "client-controller", "scheduler": "client-scheduler", "helm-controller": "client-supervisor",
	}
	for name, client := range names {
		path := s.paths.cred(name + ".kubeconfig")
		crt, key := s.paths.tls(client+".crt"), s.paths.tls(client+".key")
		if err := pki.WriteKubeconfig(path, apiURL, s.paths.tls("server-ca.crt"), crt, key, false); err != nil {
			return err
		}
	}
	return nil
}

// encryptionKey is one key of the encryption configuration.
type encryptionKey struct {
	Name   string `json:"name"`
	Secret string `json:"secret"`
}

// makeEncryption writes how secrets are encrypted, once; all servers have it from the datastore.
func (s *Server) makeEncryption() error {
	path := s.paths.cred("encryption-config.json")
	if _, err := os.Stat(path); err == nil || !s.options.Shared.SecretsEncryption {
		return nil
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // crypto/rand never returns an error
	provider := s.options.Shared.SecretsProvider
	key := encryptionKey{strings.ToLower(provider) + "key", base64.StdEncoding.EncodeToString(secret)}
	config := map[string]any{
		"kind":       "EncryptionConfiguration",
		"apiVersion": "apiserver.config.k8s.io/v1",
		"resources": []any{map[string]any{
			"resources": []string{"secrets"},
			"providers": []any{
				map[string]any{provider: map[string]any{"keys": []encryptionKey{key}}},
				map[string]any{"identity": map[string]any{}},
			},
		}},
	}
	text, err := json.Marshal(config)
	if err != nil {
		return err
	}
	return pki.WriteFile(path, text)
}
