package pki

import (
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// WriteKubeconfig writes a client's settings; embed puts the files' content in, for a kubeconfig that is carried elsewhere.
func WriteKubeconfig(path, url, caPath, crtPath, keyPath string, embed bool) error {
	cluster := &api.Cluster{Server: url, CertificateAuthority: caPath}
	user := &api.AuthInfo{ClientCertificate: crtPath, ClientKey: keyPath}
	if embed {
		var err error
		if cluster, user, err = embedded(url, caPath, crtPath, keyPath); err != nil {
			return err
		}
	}
	config := api.NewConfig()
	config.Clusters["default"] = cluster
	config.AuthInfos["default"] = user
	config.Contexts["default"] = &api.Context{Cluster: "default", AuthInfo: "default"}
	config.CurrentContext = "default"
	text, err := clientcmd.Write(*config)
	if err != nil {
		return err
	}
	return WriteFile(path, text)
}

func embedded(url, caPath, crtPath, keyPath string) (*api.Cluster, *api.AuthInfo, error) {
	var content [3][]byte
	for i, path := range []string{caPath, crtPath, keyPath} {
		read, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		content[i] = read
	}
	return &api.Cluster{Server: url, CertificateAuthorityData: content[0]},
		&api.AuthInfo{ClientCertificateData: content[1], ClientKeyData: content[2]}, nil
}
