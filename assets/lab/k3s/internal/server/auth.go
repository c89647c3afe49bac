package server

import (
	"crypto/subtle"
	"net/http"
	"slices"

	"github.com/sirupsen/logrus"

	"homelab.arpa/lab/k3s/internal/token"
)

// only lets those through who know the token of a role, and nodes that already have their certificate.
func (s *Server) only(handle http.HandlerFunc, roles ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		role := s.role(r)
		if role == "" {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		if !slices.Contains(roles, role) {
			http.Error(w, "Forbidden", http.StatusForbidden)
			return
		}
		handle(w, r)
	})
}

func (s *Server) role(r *http.Request) string {
	if user, password, ok := r.BasicAuth(); ok {
		for _, role := range []string{"server", "node"} {
			same := subtle.ConstantTimeCompare([]byte(password), []byte(s.passwords[role])) == 1
			if same && (user == role || user == "") {
				return role
			}
		}
		// As in K3s the servers' token opens the agents' door too.
		if subtle.ConstantTimeCompare([]byte(password), []byte(s.passwords["server"])) == 1 {
			return "server"
		}
		if s.kubernetes != nil && token.IsBootstrap(password) && token.CheckBootstrap(r.Context(), s.kubernetes, password) == nil {
			return "node"
		}
		return ""
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		if slices.Contains(r.TLS.PeerCertificates[0].Subject.Organization, "system:nodes") {
			return "node"
		}
	}
	return ""
}

// node is the name of the node that asks, whose password fits.
func (s *Server) node(w http.ResponseWriter, r *http.Request) (string, bool) {
	name, password := r.Header.Get("k3s-Node-Name"), r.Header.Get("k3s-Node-Password")
	if name == "" || password == "" {
		http.Error(w, "node name or password not set", http.StatusBadRequest)
		return "", false
	}
	known, err := s.checkNode(r.Context(), name, password)
	if err != nil {
		logrus.Errorf("unable to verify password for node %s: %v", name, err)
		code := http.StatusServiceUnavailable
		if known {
			code = http.StatusForbidden
		}
		http.Error(w, "unable to verify password for node "+name, code)
		return "", false
	}
	return name, true
}
