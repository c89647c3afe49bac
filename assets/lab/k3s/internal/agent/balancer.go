package agent

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"homelab.arpa/lab/k3s/internal/access"
)

const (
	dialTime  = 3 * time.Second
	learnTime = 5 * time.Second
)

// balancer hands connections to whichever server answers; the one that answered last is asked first.
type balancer struct {
	origin string
	file   string
	mutex  sync.Mutex
	// servers are host:port, in the order in which they are tried.
	servers []string
	// failed are those that did not answer the last ping: a frozen machine still accepts connections.
	failed map[string]bool
	open   map[net.Conn]string
	ping   func(name string) bool
}

type remembered struct {
	ServerURL       string
	ServerAddresses []string
}

func newBalancer(server, file string) (*balancer, error) {
	address, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	origin := address.Host
	if address.Port() == "" {
		origin = net.JoinHostPort(address.Hostname(), "443")
	}
	b := &balancer{
		origin: origin, file: file, servers: []string{origin}, ping: pong, failed: map[string]bool{}, open: map[net.Conn]string{},
	}
	var last remembered
	content, err := os.ReadFile(file)
	if err == nil && json.Unmarshal(content, &last) == nil && last.ServerURL == origin {
		for _, known := range last.ServerAddresses {
			if !slices.Contains(b.servers, known) {
				b.servers = append(b.servers, known)
			}
		}
	}
	return b, nil
}

// list is the order in which servers are tried: those that failed last.
func (b *balancer) list() []string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	var well, ill []string
	for _, name := range b.servers {
		if b.failed[name] {
			ill = append(ill, name)
		} else {
			well = append(well, name)
		}
	}
	return append(well, ill...)
}

func (b *balancer) listen(ctx context.Context, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	go func() {
		<-ctx.Done()
		_ = listener.Close()
	}()
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go b.serve(client)
		}
	}()
	return nil
}

func (b *balancer) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, name := b.dial()
	if server == nil {
		return
	}
	b.mutex.Lock()
	b.open[server] = name
	b.mutex.Unlock()
	defer func() {
		b.mutex.Lock()
		delete(b.open, server)
		b.mutex.Unlock()
		_ = server.Close()
	}()
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			_, _ = io.Copy(pair[0], pair[1])
			done <- struct{}{}
		}()
	}
	<-done
}

func (b *balancer) dial() (net.Conn, string) {
	for _, name := range b.list() {
		server, err := net.DialTimeout("tcp", name, dialTime)
		if err == nil {
			return server, name
		}
		logrus.Debugf("Dial error from load balancer k3s-agent-load-balancer: %v", err)
		b.demote(name)
	}
	return nil, ""
}

// demote lets a server that did not answer be asked last.
func (b *balancer) demote(name string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if at := slices.Index(b.servers, name); at >= 0 {
		b.servers = append(slices.Delete(b.servers, at, at+1), name)
	}
}

// learn keeps the list of servers up to date, for as long as any of them answers.
func (b *balancer) learn(ctx context.Context, token string) {
	for {
		b.check()
		if servers := serversOf("https://"+b.list()[0], token); len(servers) > 0 {
			b.update(servers)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(learnTime):
		}
	}
}

func serversOf(url, token string) []string {
	info, err := access.Open(url, token, "node")
	if err != nil {
		return nil
	}
	var servers []string
	body, err := info.Get("/v1-k3s/apiservers")
	if err != nil || json.Unmarshal(body, &servers) != nil {
		return nil
	}
	return servers
}

// check pings every server, and cuts what is connected to one that does not answer.
func (b *balancer) check() {
	names := b.list()
	answers := make([]bool, len(names))
	var pings sync.WaitGroup
	for i, name := range names {
		pings.Go(func() { answers[i] = b.ping(name) })
	}
	pings.Wait()
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for i, name := range names {
		if b.failed[name] != !answers[i] {
			logrus.Infof("Server %s of load balancer k3s-agent-load-balancer answers: %t", name, answers[i])
		}
		b.failed[name] = !answers[i]
	}
	for connection, name := range b.open {
		if b.failed[name] {
			_ = connection.Close()
		}
	}
}

// pong tells whether a server's supervisor answers; whose it is is judged by those who talk to it.
func pong(name string) bool {
	client := http.Client{Timeout: dialTime, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // only a sign of life
	}}
	response, err := client.Get("https://" + name + "/ping")
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// update takes the new list, remembers it, and cuts what is connected to a server that is gone: its clients then come again.
func (b *balancer) update(servers []string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	var next []string
	for _, name := range b.servers {
		if slices.Contains(servers, name) {
			next = append(next, name)
		}
	}
	for _, name := range servers {
		if !slices.Contains(next, name) {
			logrus.Infof("Adding server to load balancer k3s-agent-load-balancer: %s", name)
			next = append(next, name)
		}
	}
	for _, name := range b.servers {
		if !slices.Contains(servers, name) && name != b.origin {
			logrus.Infof("Removing server from load balancer k3s-agent-load-balancer: %s", name)
		}
	}
	if !slices.Contains(next, b.origin) {
		next = append(next, b.origin) // never forgotten: it may be a name or an address that moves
	}
	b.servers = next
	for connection, name := range b.open {
		if name != b.origin && !slices.Contains(servers, name) {
			_ = connection.Close()
		}
	}
	content, err := json.Marshal(remembered{b.origin, servers})
	if err == nil && os.MkdirAll(filepath.Dir(b.file), 0o700) == nil {
		_ = os.WriteFile(b.file, content, 0o600)
	}
}
