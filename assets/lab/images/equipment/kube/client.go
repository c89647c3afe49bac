// Package kube asks the API server as the pod's service account, with the standard library alone.
package kube

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const account = "/var/run/secrets/kubernetes.io/serviceaccount/"

// Client speaks to one API server.
type Client struct {
	base string
	http *http.Client
}

// Meta is what the lab's programs read of an object's metadata.
type Meta struct {
	Name              string            `json:"name"`
	Namespace         string            `json:"namespace,omitempty"`
	UID               string            `json:"uid,omitempty"`
	ResourceVersion   string            `json:"resourceVersion,omitempty"`
	DeletionTimestamp string            `json:"deletionTimestamp,omitempty"`
	Annotations       map[string]string `json:"annotations,omitempty"`
}

// InCluster returns the client of the pod it runs in.
func InCluster() (*Client, error) {
	pem, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%sca.crt holds no certificate", account)
	}
	host := net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	return &Client{base: "https://" + host, http: &http.Client{Transport: transport, Timeout: 10 * time.Second}}, nil
}

// Do sends a request and reads the answer into found where it is not nil.
func (c *Client) Do(method, path string, body, found any) error {
	var content io.Reader
	if body != nil {
		packed, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(packed)
	}
	request, err := http.NewRequest(method, c.base+path, content)
	if err != nil {
		return err
	}
	// The kubelet renews the token in place.
	token, err := os.ReadFile(account + "token")
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	request.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s: %.300s", method, path, answer.Status, said)
	}
	if found == nil {
		return nil
	}
	return json.Unmarshal(said, found)
}

// List reads the items of a collection.
func List[T any](c *Client, path string) ([]T, error) {
	var found struct {
		Items []T `json:"items"`
	}
	err := c.Do(http.MethodGet, path, nil, &found)
	return found.Items, err
}
