package server

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/scrypt"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	hashVersion = "$1"
	costBits    = 15
	blockSize   = 8
	parallel    = 1
	hashBytes   = 64
)

func secretName(node string) string { return strings.ToLower(node) + ".node-password.k3s" }

// checkNode compares a node's password with the one it had when it first came; known says that there is one.
func (s *Server) checkNode(ctx context.Context, node, password string) (known bool, err error) {
	secrets := s.kubernetes.CoreV1().Secrets("kube-system")
	secret, err := secrets.Get(ctx, secretName(node), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		hash, err := hashOf(password)
		if err != nil {
			return false, err
		}
		immutable := true
		_, err = secrets.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: secretName(node)}, Immutable: &immutable, Data: map[string][]byte{"hash": []byte(hash)},
		}, metav1.CreateOptions{})
		return false, err
	}
	if err != nil {
		return false, err
	}
	if err := verify(string(secret.Data["hash"]), password); err != nil {
		return true, fmt.Errorf("unable to verify hash for node '%s': %w", node, err)
	}
	return true, nil
}

func hashOf(password string) (string, error) {
	salt := make([]byte, 8)
	_, _ = rand.Read(salt) // crypto/rand never returns an error
	key, err := scrypt.Key([]byte(password), salt, 1<<costBits, blockSize, parallel, hashBytes)
	if err != nil {
		return "", err
	}
	encoded := base64.RawStdEncoding.EncodeToString(key)
	return fmt.Sprintf("%s:%s:%d:%d:%d:%s", hashVersion, hex.EncodeToString(salt), costBits, blockSize, parallel, encoded), nil
}

func verify(hash, password string) error {
	part := strings.Split(hash, ":")
	if len(part) != 6 || part[0] != hashVersion {
		return errors.New("unable to parse hash")
	}
	salt, err := hex.DecodeString(part[1])
	if err != nil {
		return err
	}
	var number [3]int
	for i := range number {
		if number[i], err = strconv.Atoi(part[2+i]); err != nil {
			return err
		}
	}
	wanted, err := base64.RawStdEncoding.DecodeString(part[5])
	if err != nil {
		return err
	}
	key, err := scrypt.Key([]byte(password), salt, 1<<number[0], number[1], number[2], len(wanted))
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(key, wanted) != 1 {
		return errors.New("hash does not match")
	}
	return nil
}
