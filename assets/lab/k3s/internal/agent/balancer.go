package agent

import (
	"context"
	"encoding/json"
	"io"
	"net"
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
	open    map[net.Conn]string
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
	b := &balancer{origin: origin, file: file, servers: []string{origin}, open: map[net.Conn]string{}}
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

func (b *balancer) list() []string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return append([]string{}, b.servers...)
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
func (b *balancer) learn(ctx context.Context, url, token string) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(learnTime):
		}
		info, err := access.Open(url, token, "node")
		if err != nil {
			continue
		}
		var servers []string
		body, err := info.Get("/v1-k3s/apiservers")
		if err == nil && json.Unmarshal(body, &servers) == nil && len(servers) > 0 {
			b.update(servers)
		}
	}
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
		if name != b.origin && !slices.Contains(servers, name) || name == b.origin && b.replaced(servers) {
			_ = connection.Close()
		}
	}
	content, err := json.Marshal(remembered{b.origin, servers})
	if err == nil && os.MkdirAll(filepath.Dir(b.file), 0o700) == nil {
		_ = os.WriteFile(b.file, content, 0o600)
	}
}

// replaced tells whether the origin is a server's own address and that server is gone.
func (b *balancer) replaced(servers []string) bool {
	host, _, err := net.SplitHostPort(b.origin)
	return err == nil && net.ParseIP(host) != nil && !slices.Contains(servers, b.origin) && b.answersNot()
}

func (b *balancer) answersNot() bool {
	probe, err := net.DialTimeout("tcp", b.origin, dialTime)
	if err == nil {
		_ = probe.Close()
	}
	return err != nil
}
