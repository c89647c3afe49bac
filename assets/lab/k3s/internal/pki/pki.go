// Package pki makes the cluster's authorities, keys and certificates, in files named as K3s names them.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

const (
	caLife   = 3650 * 24 * time.Hour
	leafLife = 365 * 24 * time.Hour
	// RenewBefore is how long before its end a certificate is renewed at a start.
	RenewBefore = 90 * 24 * time.Hour
)

// Authority is a certificate with its key.
type Authority struct {
	Cert *x509.Certificate
	Key  crypto.Signer
	PEM  []byte
}

// Leaf says what a certificate is for.
type Leaf struct {
	CommonName   string
	Organization []string
	DNSNames     []string
	IPs          []net.IP
	Server       bool
}

// EnsureAuthority makes an authority where its file is missing.
func EnsureAuthority(crtPath, keyPath, name string) error {
	if exists(crtPath) && exists(keyPath) {
		return nil
	}
	key, err := EnsureKey(keyPath)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(0),
		Subject:               pkix.Name{CommonName: fmt.Sprintf("%s@%d", name, now.Unix())},
		NotBefore:             now.Add(-time.Minute),
		NotAfter:              now.Add(caLife),
		KeyUsage:              x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	return WriteFile(crtPath, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// Load reads an authority from its files.
func Load(crtPath, keyPath string) (*Authority, error) {
	text, err := os.ReadFile(crtPath)
	if err != nil {
		return nil, err
	}
	certificates, err := cert.ParseCertsPEM(text)
	if err != nil {
		return nil, err
	}
	key, err := EnsureKey(keyPath)
	if err != nil {
		return nil, err
	}
	return &Authority{certificates[0], key, text}, nil
}

// EnsureKey reads a key, or makes it where its file is missing.
func EnsureKey(path string) (crypto.Signer, error) {
	if !exists(path) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		text, err := keyutil.MarshalPrivateKeyToPEM(key)
		if err != nil {
			return nil, err
		}
		if err := WriteFile(path, text); err != nil {
			return nil, err
		}
	}
	read, err := keyutil.PrivateKeyFromFile(path)
	if err != nil {
		return nil, err
	}
	signer, ok := read.(crypto.Signer)
	if !ok {
		return nil, errors.New(path + ": not a private key")
	}
	return signer, nil
}

// Sign makes a certificate for a public key, with the authority's own behind it.
func (a *Authority) Sign(leaf Leaf, public crypto.PublicKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 62))
	if err != nil {
		return nil, err
	}
	usage := x509.ExtKeyUsageClientAuth
	if leaf.Server {
		usage = x509.ExtKeyUsageServerAuth
	}
	now := time.Now().UTC()
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: leaf.CommonName, Organization: leaf.Organization},
		DNSNames:     leaf.DNSNames,
		IPAddresses:  leaf.IPs,
		NotBefore:    now.Add(-time.Minute),
		NotAfter:     now.Add(leafLife),
		KeyUsage:     x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{usage},
	}
	if a.Cert.NotAfter.Before(template.NotAfter) {
		template.NotAfter = a.Cert.NotAfter
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Cert, public, a.Key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), a.PEM...), nil
}

// EnsureLeaf makes a certificate and its key where they are missing, or the certificate ends soon or is another authority's.
func (a *Authority) EnsureLeaf(crtPath, keyPath string, leaf Leaf) error {
	key, err := EnsureKey(keyPath)
	if err != nil {
		return err
	}
	if a.good(crtPath, key) {
		return nil
	}
	text, err := a.Sign(leaf, key.Public())
	if err != nil {
		return err
	}
	return WriteFile(crtPath, text)
}

func (a *Authority) good(crtPath string, key crypto.Signer) bool {
	certificates, err := cert.CertsFromFile(crtPath)
	if err != nil || time.Until(certificates[0].NotAfter) < RenewBefore {
		return false
	}
	public, ok := certificates[0].PublicKey.(*ecdsa.PublicKey)
	return ok && public.Equal(key.Public()) && certificates[0].CheckSignatureFrom(a.Cert) == nil
}

// WriteFile puts a file in place whole, readable for root only.
func WriteFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
