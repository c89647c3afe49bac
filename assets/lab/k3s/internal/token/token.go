// Package token reads and writes K3s's join tokens: a bare password, or K10<hash of the CA>::<user>:<password>.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
)

const prefix = "K10"

// Token is the parts of a join token.
type Token struct {
	CAHash, User, Password string
}

// Parse takes a token apart.
func Parse(text string) (Token, error) {
	if text == "" {
		return Token{}, errors.New("token must not be empty")
	}
	rest, full := strings.CutPrefix(text, prefix)
	if !full {
		return Token{Password: text}, nil
	}
	hash, credentials, found := strings.Cut(rest, "::")
	if !found {
		hash, credentials = "", rest
	}
	if hash != "" && len(hash) != 2*sha256.Size {
		return Token{}, errors.New("invalid token CA hash length")
	}
	if IsBootstrap(credentials) {
		return Token{CAHash: hash, Password: credentials}, nil
	}
	user, password, found := strings.Cut(credentials, ":")
	if !found || password == "" {
		return Token{}, errors.New("invalid token format")
	}
	return Token{CAHash: hash, User: user, Password: password}, nil
}

// Password is the secret part of a server's token, which the bootstrap data is encrypted with.
func Password(text string) (string, error) {
	parsed, err := Parse(text)
	if err != nil {
		return "", errors.New("failed to normalize server token; must be in format K10<CA-HASH>::<USERNAME>:<PASSWORD> or <PASSWORD>")
	}
	return parsed.Password, nil
}

// Format is the full form of a token.
func Format(user, password string, ca []byte) string {
	return prefix + HashCA(ca) + "::" + user + ":" + password
}

// HashCA is the digest that a full token carries: of the file's bytes, for a bundle of one certificate.
func HashCA(ca []byte) string {
	digest := sha256.Sum256(ca)
	return hex.EncodeToString(digest[:])
}

// CheckCA compares the server's CA with the one that the token names.
func (t Token) CheckCA(ca []byte) error {
	if hash := HashCA(ca); t.CAHash != "" && t.CAHash != hash {
		return fmt.Errorf("token CA hash does not match the Cluster CA certificate hash: %s != %s", t.CAHash, hash)
	}
	return nil
}

// Random is a new secret of so many bytes, in hex.
func Random(size int) string {
	secret := make([]byte, size)
	_, _ = rand.Read(secret) // crypto/rand never returns an error
	return hex.EncodeToString(secret)
}

// Given is the token of a flag or of a file named by another flag; empty where neither is set.
func Given(value, file string) (string, error) {
	if value != "" || file == "" {
		return value, nil
	}
	content, err := os.ReadFile(file)
	return strings.TrimRight(string(content), "\n"), err
}
