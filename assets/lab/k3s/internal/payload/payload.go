// Package payload unpacks the programs that the binary carries: containerd, runc, the CNI plugins, iptables.
package payload

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sirupsen/logrus"
)

// digest is the archive's, told by the build: reading it all at every start would only fill memory.
var digest string

func digestOf(archive []byte) string {
	if digest != "" {
		return digest
	}
	sum := sha256.Sum256(archive)
	return hex.EncodeToString(sum[:])
}

// Unpack lays the programs into <data>/data/<hash> and returns that folder; a second call finds them there.
func Unpack(dataDir string) (string, error) {
	if len(archive) == 0 {
		return "", errors.New("this k3s was built without its programs (build tag payload)")
	}
	root := filepath.Join(dataDir, "data")
	folder := filepath.Join(root, digestOf(archive))
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(root, ".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(folder); os.IsNotExist(err) {
		logrus.Infof("Preparing data dir %s", folder)
		if err := unpackTo(folder + "-tmp"); err != nil {
			return "", err
		}
		if err := os.Rename(folder+"-tmp", folder); err != nil {
			return "", err
		}
	}
	return folder, linked(root, folder)
}

func lock(path string) (func(), error) {
	logrus.Infof("Acquiring lock file %s", path)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		_ = file.Close()
		return nil, err
	}
	return func() { _ = file.Close() }, nil
}

// linked points data/current at the folder in use, and kubectl and the others at this binary.
func linked(root, folder string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	links := map[string]string{
		filepath.Join(root, "current"):             folder,
		filepath.Join(folder, "bin", "k3s"):        self,
		filepath.Join(folder, "bin", "kubectl"):    "k3s",
		filepath.Join(folder, "bin", "k3s-agent"):  "k3s",
		filepath.Join(folder, "bin", "k3s-server"): "k3s",
	}
	for path, target := range links {
		if now, err := os.Readlink(path); err == nil && now == target {
			continue
		}
		_ = os.Remove(path + ".new")
		if err := os.Symlink(target, path+".new"); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
	}
	return nil
}

func unpackTo(folder string) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	plain, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	entries := tar.NewReader(plain)
	for {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := put(filepath.Join(folder, filepath.Clean("/"+entry.Name)), entry, entries); err != nil {
			return err
		}
	}
}

func put(path string, entry *tar.Header, content io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	switch entry.Typeflag {
	case tar.TypeDir:
		return os.MkdirAll(path, 0o755)
	case tar.TypeSymlink:
		return os.Symlink(entry.Linkname, path)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, content); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}
