package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	etcdtls "go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func endpoints(list string) []string { return strings.Split(list, ",") }

func (s *Server) etcdTLS() (*tls.Config, error) {
	if !strings.HasPrefix(s.options.Endpoint, "https://") {
		return nil, nil
	}
	info := etcdtls.TLSInfo{CertFile: s.options.EtcdCert, KeyFile: s.options.EtcdKey, TrustedCAFile: s.options.EtcdCA}
	config, err := info.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("failed to read etcd's TLS files: %w", err)
	}
	return config, nil
}

const (
	leasePrefix = "/registry/masterleases/k3s/"
	leaseTime   = 15 * time.Second
)

// leases says which API servers are alive: one key for each, which ends with its lease.
type leases struct {
	client *clientv3.Client
}

func (l leases) ListLeases() ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), leaseTime/2)
	defer cancel()
	found, err := l.client.Get(ctx, leasePrefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return nil, err
	}
	var addresses []string
	for _, pair := range found.Kvs {
		addresses = append(addresses, strings.TrimPrefix(string(pair.Key), leasePrefix))
	}
	return addresses, nil
}

func (l leases) UpdateLease(ip string) error {
	ctx, cancel := context.WithTimeout(context.Background(), leaseTime/2)
	defer cancel()
	lease, err := l.client.Grant(ctx, int64(leaseTime.Seconds()))
	if err != nil {
		return err
	}
	_, err = l.client.Put(ctx, leasePrefix+ip, "", clientv3.WithLease(lease.ID))
	return err
}

func (l leases) RemoveLease(ip string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, err := l.client.Delete(ctx, leasePrefix+ip)
	return err
}

func (l leases) Destroy() {}
