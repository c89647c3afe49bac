// Package bootstrap keeps what all servers must share (authorities, keys, passwords) in etcd, encrypted with the server's token.
package bootstrap

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the derivation is K3s's
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"homelab.arpa/lab/k3s/internal/token"
)

const (
	iterations = 4096
	keyBytes   = 32
	saltBytes  = 8
)

// Key is where the data of a token's cluster lies in etcd.
func Key(password string) string {
	digest := sha256.Sum256([]byte(password))
	return prefix + "/" + hex.EncodeToString(digest[:])[:12]
}

func seal(password string, plain []byte) ([]byte, error) {
	salt := token.Random(saltBytes)
	gcm, err := cipherOf(password, salt)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize())
	_, _ = rand.Read(nonce) // crypto/rand never returns an error
	sealed := gcm.Seal(nonce, nonce, plain, nil)
	return []byte(salt + ":" + base64.StdEncoding.EncodeToString(sealed)), nil
}

func open(password string, sealed []byte) ([]byte, error) {
	salt, encoded, found := strings.Cut(string(sealed), ":")
	if !found {
		return nil, errors.New("invalid cipher text, not : delimited")
	}
	gcm, err := cipherOf(password, salt)
	if err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, err
	}
	if len(data) < gcm.NonceSize() {
		return nil, errors.New("invalid cipher text, too short")
	}
	return gcm.Open(nil, data[:gcm.NonceSize()], data[gcm.NonceSize():], nil)
}

func cipherOf(password, salt string) (cipher.AEAD, error) {
	key, err := pbkdf2.Key(sha1.New, password, []byte(salt), iterations, keyBytes)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
