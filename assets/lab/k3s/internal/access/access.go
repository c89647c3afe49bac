// Package access talks to a server's supervisor: it learns the cluster's CA, checks it against the token, and asks.
package access

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/sirupsen/logrus"

	"homelab.arpa/lab/k3s/internal/token"
)

const patience = 10 * time.Second

// ErrForbidden is the answer to a node whose password is not the one it first came with.
var ErrForbidden = errors.New("forbidden")

// Info is a server that may be asked.
type Info struct {
	URL      string
	CA       []byte
	user     string
	password string
}

// Open learns the CA of the server at url and checks it against the token's hash.
func Open(server, secret, user string) (*Info, error) {
	parsed, err := token.Parse(secret)
	if err != nil {
		return nil, err
	}
	address, err := url.Parse(server)
	if err != nil {
		return nil, fmt.Errorf("Invalid server url, failed to parse: %s: %w", server, err) //nolint:staticcheck // K3s's words
	}
	if address.Scheme != "https" {
		return nil, errors.New("only https:// URLs are supported, invalid scheme: " + server)
	}
	ca, err := fetchCA(server)
	if err != nil {
		return nil, err
	}
	if err := parsed.CheckCA(ca); err != nil {
		return nil, err
	}
	return &Info{URL: server, CA: ca, user: user, password: parsed.Password}, nil
}

func fetchCA(server string) ([]byte, error) {
	insecure := client(&tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the answer is checked below and by the token
	ca, err := get(insecure, server+"/cacerts")
	if err != nil {
		return nil, fmt.Errorf("failed to get CA certs: %w", err)
	}
	if _, err := get(trusting(ca), server+"/cacerts"); err != nil {
		return nil, fmt.Errorf("CA cert validation failed: %w", err)
	}
	return ca, nil
}

func get(client *http.Client, address string) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return do(client, request)
}

// WarnOfShort says, as K3s does, that a token without a hash cannot tell a wrong server.
func WarnOfShort(secret string) {
	if parsed, err := token.Parse(secret); err == nil && parsed.CAHash == "" {
		logrus.Warn("Cluster CA certificate is not trusted by the host CA bundle, but the token does not include a CA hash. " +
			"Use the full token from the server's node-token file to enable Cluster CA validation.")
	}
}

// Get asks for a path below the server's URL.
func (i *Info) Get(path string) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, i.URL+path, nil)
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth(i.user, i.password)
	return do(trusting(i.CA), request)
}

// Post sends a body with headers beside it.
func (i *Info) Post(path string, body []byte, headers map[string]string) ([]byte, error) {
	request, err := http.NewRequest(http.MethodPost, i.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth(i.user, i.password)
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	return do(trusting(i.CA), request)
}

func trusting(ca []byte) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return client(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})
}

func client(config *tls.Config) *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: config}}
}

func do(client *http.Client, request *http.Request) ([]byte, error) {
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusForbidden {
		return nil, ErrForbidden
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return nil, fmt.Errorf("%s: %s", request.URL, response.Status)
	}
	return io.ReadAll(response.Body)
}
