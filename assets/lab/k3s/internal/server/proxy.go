package server

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// apiProxy hands requests on to the API server. Whoever came with a certificate is named in headers, which the API server
// believes because the proxy's own certificate is of the authority for request headers; bearer tokens go through as they are.
func (s *Server) apiProxy() (http.Handler, error) {
	certificate, err := tls.LoadX509KeyPair(s.paths.tls("client-auth-proxy.crt"), s.paths.tls("client-auth-proxy.key"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.serverCA.Cert)
	target, err := url.Parse(apiURL)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &httputil.ReverseProxy{
		Transport:     newTransport(config),
		FlushInterval: -1, // watches and logs are told as they come
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			identify(r)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, "apiserver not ready", http.StatusServiceUnavailable)
		},
	}, nil
}

func identify(r *httputil.ProxyRequest) {
	for name := range r.Out.Header {
		if strings.HasPrefix(strings.ToLower(name), "x-remote-") {
			r.Out.Header.Del(name)
		}
	}
	if r.In.TLS == nil || len(r.In.TLS.VerifiedChains) == 0 {
		return
	}
	subject := r.In.TLS.PeerCertificates[0].Subject
	r.Out.Header.Set("X-Remote-User", subject.CommonName)
	for _, group := range subject.Organization {
		r.Out.Header.Add("X-Remote-Group", group)
	}
}

// transport speaks HTTP/2, and HTTP/1.1 to what changes its protocol (exec, attach, port-forward).
type transport struct {
	multiplexed, plain http.RoundTripper
}

func newTransport(config *tls.Config) http.RoundTripper {
	base := &http.Transport{
		TLSClientConfig: config, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 50, IdleConnTimeout: 90 * time.Second,
	}
	plain := base.Clone()
	plain.ForceAttemptHTTP2 = false
	plain.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	plain.TLSClientConfig.NextProtos = []string{"http/1.1"}
	return transport{base, plain}
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Upgrade") != "" {
		return t.plain.RoundTrip(r)
	}
	return t.multiplexed.RoundTrip(r)
}
