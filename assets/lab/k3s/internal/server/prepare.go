package server

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/sirupsen/logrus"

	"homelab.arpa/lab/k3s/internal/bootstrap"
	"homelab.arpa/lab/k3s/internal/pki"
	"homelab.arpa/lab/k3s/internal/token"
)

// prepare brings the cluster's shared data to disk, or begins a cluster where the datastore knows none.
func (s *Server) prepare(ctx context.Context) error {
	if err := s.readToken(); err != nil {
		return err
	}
	if err := s.compare(); err != nil {
		return err
	}
	password, err := token.Password(s.token)
	if err != nil {
		return err
	}
	store := bootstrap.Store{Client: s.etcd, Password: password, Folder: s.paths.folder}
	logrus.Info("Reconciling bootstrap data between datastore and disk")
	found, err := store.Load(ctx)
	if err != nil {
		return err
	}
	if err := s.checkToken(); err != nil {
		return err
	}
	if err := s.makeFiles(password); err != nil {
		return err
	}
	if found {
		return nil
	}
	logrus.Info("Saving cluster bootstrap data to datastore")
	return store.Save(ctx)
}

// readToken takes the token given, else the one on disk, else makes one.
func (s *Server) readToken() error {
	s.token = s.options.Token
	if s.token != "" {
		return nil
	}
	kept, err := token.Given("", s.paths.in("token"))
	if os.IsNotExist(err) {
		s.token = token.Random(16)
		return nil
	}
	s.token = kept
	return err
}

// checkToken refuses a full token that names another cluster's authority.
func (s *Server) checkToken() error {
	parsed, err := token.Parse(s.token)
	if err != nil || parsed.CAHash == "" {
		return err
	}
	ca, err := os.ReadFile(s.paths.tls("server-ca.crt"))
	if os.IsNotExist(err) {
		return errors.New("the first server must be given the short form of the token: there is no cluster CA yet that a hash could name")
	}
	if err != nil {
		return err
	}
	return parsed.CheckCA(ca)
}

func (s *Server) makeFiles(password string) error {
	for _, name := range []string{"server-ca", "client-ca", "request-header-ca"} {
		if err := pki.EnsureAuthority(s.paths.tls(name+".crt"), s.paths.tls(name+".key"), "k3s-"+name); err != nil {
			return err
		}
	}
	if err := s.makeServiceKeys(); err != nil {
		return err
	}
	if err := s.makePasswords(password); err != nil {
		return err
	}
	if err := s.makeEncryption(); err != nil {
		return err
	}
	if err := s.makeCertificates(); err != nil {
		return err
	}
	return s.writeTokens(password)
}

func (s *Server) makeServiceKeys() error {
	if _, err := pki.EnsureKey(s.paths.tls("service.current.key")); err != nil {
		return err
	}
	if _, err := os.Stat(s.paths.tls("service.key")); err == nil {
		return nil
	}
	current, err := os.ReadFile(s.paths.tls("service.current.key"))
	if err != nil {
		return err
	}
	return pki.WriteFile(s.paths.tls("service.key"), current)
}

// makePasswords writes who may ask the supervisor: servers with the token, nodes with the agents' token.
func (s *Server) makePasswords(password string) error {
	s.passwords = map[string]string{"server": password, "node": password}
	if s.options.AgentToken != "" {
		given, err := token.Parse(s.options.AgentToken)
		if err != nil {
			return err
		}
		s.passwords["node"] = given.Password
	}
	text := fmt.Sprintf("%s,node,node,k3s:agent\n%s,server,server,k3s:server\n", s.passwords["node"], s.passwords["server"])
	return pki.WriteFile(s.paths.cred("passwd"), []byte(text))
}

// writeTokens leaves the full tokens where K3s leaves them.
func (s *Server) writeTokens(password string) error {
	ca, err := os.ReadFile(s.paths.tls("server-ca.crt"))
	if err != nil {
		return err
	}
	full := token.Format("server", password, ca)
	if err := pki.WriteFile(s.paths.in("token"), []byte(full+"\n")); err != nil {
		return err
	}
	logrus.Infof("Server node token is available at %s", s.paths.in("token"))
	agents := s.paths.in("agent-token")
	_ = os.Remove(agents)
	if s.options.AgentToken == "" {
		err = os.Symlink(s.paths.in("token"), agents)
	} else {
		err = pki.WriteFile(agents, []byte(token.Format("node", s.passwords["node"], ca)+"\n"))
	}
	if err != nil {
		return err
	}
	logrus.Infof("Agent node token is available at %s", agents)
	old := s.paths.in("node-token")
	_ = os.Remove(old)
	return os.Symlink(s.paths.in("token"), old)
}

// compare asks the server named by --server, if any, for what must be the same on all.
func (s *Server) compare() error {
	if s.options.JoinURL == "" {
		return nil
	}
	theirs, err := fetchShared(s.options.JoinURL, s.token)
	if err != nil {
		return fmt.Errorf("failed to validate server configuration: %w", err)
	}
	names := s.options.Shared.Mismatched(theirs)
	for _, name := range names {
		logrus.Warnf("critical configuration mismatched: %s", name)
	}
	if len(names) > 0 {
		return errors.New("failed to validate server configuration: critical configuration value mismatch between servers")
	}
	return nil
}
