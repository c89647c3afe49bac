package agent

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"homelab.arpa/lab/k3s/internal/access"
	"homelab.arpa/lab/k3s/internal/pki"
)

// certificates are what a node asks a server to sign; the kubeconfig is written with those that are for clients.
var certificates = []struct{ name, kubeconfig string }{
	{"serving-kubelet", ""},
	{"client-kubelet", "kubelet.kubeconfig"},
	{"client-kube-proxy", "kubeproxy.kubeconfig"},
	{"client-k3s-controller", "k3scontroller.kubeconfig"},
}

// fetch asks for the cluster's settings and this node's certificates.
func (a *Agent) fetch(info *access.Info) error {
	body, err := info.Get("/v1-k3s/config")
	if err != nil {
		return fmt.Errorf("failed to retrieve configuration from server: %w", err)
	}
	if err := json.Unmarshal(body, &a.shared); err != nil {
		return err
	}
	for _, name := range []string{"client-ca.crt", "server-ca.crt"} {
		text, err := info.Get("/v1-k3s/" + name)
		if err != nil {
			return err
		}
		if err := pki.WriteFile(a.file(name), text); err != nil {
			return err
		}
	}
	for _, wanted := range certificates {
		if err := a.sign(info, wanted.name); err != nil {
			return err
		}
		if wanted.kubeconfig == "" {
			continue
		}
		crt, key := a.file(wanted.name+".crt"), a.file(wanted.name+".key")
		if err := pki.WriteKubeconfig(a.file(wanted.kubeconfig), a.apiURL, a.file("server-ca.crt"), crt, key, false); err != nil {
			return err
		}
	}
	return nil
}

func (a *Agent) sign(info *access.Info, name string) error {
	key, err := pki.EnsureKey(a.file(name + ".key"))
	if err != nil {
		return err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		return err
	}
	passwordFile := filepath.Join(nodeFolder, "password")
	password, err := kept(passwordFile, 16)
	if err != nil {
		return err
	}
	text, err := info.Post("/v1-k3s/"+name+".crt", request, map[string]string{
		"k3s-Node-Name": a.options.NodeName, "k3s-Node-Password": password, "k3s-Node-IP": joined(a.options.NodeIPs),
	})
	if errors.Is(err, access.ErrForbidden) {
		return fmt.Errorf("Node password rejected, duplicate hostname or contents of '%s' may not match server node-passwd entry, "+ //nolint:staticcheck // K3s's words
			"try enabling a unique node name with the --with-node-id flag", passwordFile)
	}
	if err != nil {
		return err
	}
	return pki.WriteFile(a.file(name+".crt"), text)
}

func joined(addresses []net.IP) string {
	var texts []string
	for _, address := range addresses {
		texts = append(texts, address.String())
	}
	return strings.Join(texts, ",")
}
