package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"homelab.arpa/lab/k3s/internal/pki"
)

// serve listens where nodes, servers and users come: the supervisor's own paths, and the API server for all others.
func (s *Server) serve(ctx context.Context) error {
	api, err := s.apiProxy()
	if err != nil {
		return err
	}
	certificate, err := tls.LoadX509KeyPair(s.paths.tls("serving-k3s.crt"), s.paths.tls("serving-k3s.key"))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(s.options.BindAddress, strconv.Itoa(s.options.HTTPSPort)))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.clientCA.Cert)
	web := &http.Server{
		Handler:           s.handler(api),
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // a client that hangs up is no news
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12,
			ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: roots,
		},
	}
	go func() {
		<-ctx.Done()
		_ = web.Close()
	}()
	go func() {
		if err := web.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			logrus.Fatalf("supervisor: %v", err)
		}
	}()
	return nil
}

func (s *Server) handler(api http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/cacerts", s.sendFile("server-ca.crt"))
	mux.HandleFunc("/ping", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "pong") })
	mux.Handle("/static/", http.StripPrefix("/static/", http.FileServer(http.Dir(s.paths.in("static")))))
	node := map[string]http.HandlerFunc{
		"client-ca.crt":             s.sendFile("client-ca.crt"),
		"server-ca.crt":             s.sendFile("server-ca.crt"),
		"serving-kubelet.crt":       s.servingKubelet,
		"client-kubelet.crt":        s.clientKubelet,
		"client-kube-proxy.crt":     s.clientFor("system:kube-proxy"),
		"client-k3s-controller.crt": s.clientFor("system:k3s-controller"),
		"config":                    s.sendShared,
		"apiservers":                s.sendServers,
		"readyz":                    s.readyz,
	}
	for path, handle := range node {
		mux.Handle("/v1-k3s/"+path, s.only(handle, "node", "server"))
	}
	mux.Handle("/v1-k3s/server-bootstrap", s.only(func(w http.ResponseWriter, r *http.Request) {
		logrus.Warnf("Received HTTP bootstrap request from %s, but embedded etcd is not enabled.", r.RemoteAddr)
		http.Error(w, "etcd disabled", http.StatusBadRequest)
	}, "server"))
	mux.Handle("/", api)
	return mux
}

func (s *Server) sendFile(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		content, err := os.ReadFile(s.paths.tls(name))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(content)
	}
}

func (s *Server) sendShared(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.options.Shared)
}

// sendServers lists where API servers answer, as a list of host:port.
func (s *Server) sendServers(w http.ResponseWriter, r *http.Request) {
	alive, err := leases{s.etcd}.ListLeases()
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	list := []string{}
	for _, address := range alive {
		list = append(list, net.JoinHostPort(address, strconv.Itoa(s.options.AdvertisePort)))
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(list)
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if _, err := s.kubernetes.CoreV1().Namespaces().Get(r.Context(), "kube-system", metav1.GetOptions{}); err != nil {
		http.Error(w, "runtime core not ready", http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok")
}

func (s *Server) servingKubelet(w http.ResponseWriter, r *http.Request) {
	name, ok := s.node(w, r)
	if !ok {
		return
	}
	leaf := pki.Leaf{CommonName: name, Server: true, DNSNames: []string{name, "localhost"}, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}}
	for _, text := range strings.Split(r.Header.Get("k3s-Node-IP"), ",") {
		address := net.ParseIP(text)
		if address == nil {
			http.Error(w, "invalid node IP address "+text, http.StatusBadRequest)
			return
		}
		leaf.IPs = append(leaf.IPs, address)
	}
	sign(w, r, s.serverCA, leaf)
}

func (s *Server) clientKubelet(w http.ResponseWriter, r *http.Request) {
	if name, ok := s.node(w, r); ok {
		sign(w, r, s.clientCA, pki.Leaf{CommonName: "system:node:" + name, Organization: []string{"system:nodes"}})
	}
}

func (s *Server) clientFor(user string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { sign(w, r, s.clientCA, pki.Leaf{CommonName: user}) }
}

// sign answers a signing request: the names are the supervisor's, only the key is the node's.
func sign(w http.ResponseWriter, r *http.Request, authority *pki.Authority, leaf pki.Leaf) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	request, err := x509.ParseCertificateRequest(body)
	if err == nil {
		err = request.CheckSignature()
	}
	if err != nil {
		http.Error(w, fmt.Sprintf("a certificate signing request is needed: %v", err), http.StatusBadRequest)
		return
	}
	text, err := authority.Sign(leaf, request.PublicKey)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(text)
}
