package bootstrap

import (
	"context"
	"errors"
	"time"

	"github.com/sirupsen/logrus"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const prefix = "/bootstrap"

// ErrOtherToken is what K3s says where the cluster was begun with another token.
var ErrOtherToken = errors.New("bootstrap data already found and encrypted with different token")

const (
	patience = 15 * time.Second
	pollTime = 2 * time.Second
)

// Store is the shared data of one cluster.
type Store struct {
	Client   *clientv3.Client
	Password string
	Folder   string
}

// Load brings the datastore's data to disk.
//
// Returns false where there is none yet: the caller then makes the files and calls Save. Until it did, other servers wait.
func (s Store) Load(ctx context.Context) (bool, error) {
	for {
		sealed, err := s.read(ctx)
		if err != nil {
			return false, err
		}
		if sealed == nil {
			won, err := s.claim(ctx)
			if won || err != nil {
				return false, err
			}
			continue
		}
		if len(sealed) > 0 {
			plain, err := open(s.Password, sealed)
			if err != nil {
				return false, err
			}
			return true, unpack(s.Folder, plain)
		}
		logrus.Warn("Bootstrap key is locked - waiting for data to be populated by another server")
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(pollTime):
		}
	}
}

// Save stores the files on disk for the servers to come.
func (s Store) Save(ctx context.Context) error {
	plain, err := pack(s.Folder)
	if err != nil {
		return err
	}
	sealed, err := seal(s.Password, plain)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err = s.Client.Put(ctx, Key(s.Password), string(sealed))
	return err
}

// read returns nil where nobody has begun, and nothing (but not nil) where another server is about to save.
func (s Store) read(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	found, err := s.Client.Get(ctx, prefix+"/", clientv3.WithPrefix())
	if err != nil {
		return nil, err
	}
	if len(found.Kvs) == 0 {
		return nil, nil
	}
	for _, pair := range found.Kvs {
		if string(pair.Key) == Key(s.Password) {
			return append([]byte{}, pair.Value...), nil
		}
	}
	return nil, ErrOtherToken
}

// claim takes the key with an empty value, tied to a lease: should this server die before it saves, another may begin.
func (s Store) claim(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	lease, err := s.Client.Grant(ctx, 60)
	if err != nil {
		return false, err
	}
	key := Key(s.Password)
	done, err := s.Client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, "", clientv3.WithLease(lease.ID))).
		Commit()
	if err != nil {
		return false, err
	}
	return done.Succeeded, nil
}
