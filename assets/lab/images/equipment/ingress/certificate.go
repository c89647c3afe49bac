package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"time"
)

// selfSigned writes what is shown to those who ask for a host without a certificate, as Traefik does.
func selfSigned(place string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	plan := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "TRAEFIK DEFAULT CERT"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(1, 0, 0),
		DNSNames:     []string{"default.lab.home.arpa"},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, plan, plan, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	for kind, content := range map[string][]byte{"CERTIFICATE": certificate, "EC PRIVATE KEY": private} {
		if err := pem.Encode(&out, &pem.Block{Type: kind, Bytes: content}); err != nil {
			return err
		}
	}
	return os.WriteFile(place, out.Bytes(), 0o600)
}
