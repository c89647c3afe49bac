package server

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/labels"

	"homelab.arpa/lab/k3s/internal/access"
	"homelab.arpa/lab/k3s/internal/cli"
)

var everything = labels.Everything()

// fetchShared asks another server for the settings that must be the same.
func fetchShared(url, token string) (cli.Shared, error) {
	var shared cli.Shared
	info, err := access.Open(url, token, "server")
	if err != nil {
		return shared, err
	}
	body, err := info.Get("/v1-k3s/config")
	if err != nil {
		return shared, err
	}
	return shared, json.Unmarshal(body, &shared)
}
