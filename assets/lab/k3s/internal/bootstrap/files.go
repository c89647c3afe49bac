package bootstrap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sirupsen/logrus"
)

// Files names what is shared: K3s's name of each to its place under the server's folder.
var Files = map[string]string{
	"ServerCA":           "tls/server-ca.crt",
	"ServerCAKey":        "tls/server-ca.key",
	"ClientCA":           "tls/client-ca.crt",
	"ClientCAKey":        "tls/client-ca.key",
	"RequestHeaderCA":    "tls/request-header-ca.crt",
	"RequestHeaderCAKey": "tls/request-header-ca.key",
	"ServiceKey":         "tls/service.key",
	"ServiceCurrentKey":  "tls/service.current.key",
	"PasswdFile":         "cred/passwd",
	"EncryptionConfig":   "cred/encryption-config.json",
}

// mayDiffer are files that a server writes anew by its own settings.
var mayDiffer = map[string]bool{"PasswdFile": true}

type entry struct {
	Timestamp time.Time
	Content   []byte
}

func pack(folder string) ([]byte, error) {
	data := map[string]entry{}
	for name, file := range Files {
		path := filepath.Join(folder, file)
		content, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		data[name] = entry{info.ModTime(), content}
	}
	return json.Marshal(data)
}

// unpack writes what is missing on disk; a file that differs and is newer than the datastore's stops the server, as in K3s.
func unpack(folder string, packed []byte) error {
	data := map[string]entry{}
	if err := json.Unmarshal(packed, &data); err != nil {
		return err
	}
	for name, file := range Files {
		stored, there := data[name]
		if !there {
			continue
		}
		if err := reconcile(filepath.Join(folder, file), stored, mayDiffer[name]); err != nil {
			return err
		}
	}
	return nil
}

func reconcile(path string, stored entry, mayDiffer bool) error {
	info, err := os.Stat(path)
	if err == nil {
		content, err := os.ReadFile(path)
		if err != nil || bytes.Equal(content, stored.Content) || mayDiffer {
			return err
		}
		if info.ModTime().After(stored.Timestamp) {
			return fmt.Errorf("%s newer than datastore and could cause a cluster outage. Remove the file(s) from disk and restart to be recreated from datastore", path)
		}
		logrus.Warnf("Updating bootstrap data on disk from datastore: %s", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path, stored.Content, 0o600); err != nil {
		return err
	}
	return os.Chtimes(path, stored.Timestamp, stored.Timestamp)
}
