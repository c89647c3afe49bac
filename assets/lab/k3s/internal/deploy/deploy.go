// Package deploy applies the manifests in a server's folder, as K3s's AddOns.
package deploy

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

//go:embed manifests
var packaged embed.FS

// interval is how often the folder is looked at; K3s's own is 15 s.
const interval = 15 * time.Second

// Options say what is applied from where.
type Options struct {
	Folder, Node string
	Disable      []string
	Variables    map[string]string
}

// Applier applies a folder.
type Applier struct {
	options Options
	dynamic dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
}

// New is an applier for a server's folder.
func New(config *rest.Config, options Options) (*Applier, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	discoverer, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(discoverer))
	return &Applier{options, client, mapper}, nil
}

// Stage writes the packaged manifests into the folder, but for those that are disabled or have a .skip file.
func (a *Applier) Stage() error {
	if err := os.MkdirAll(a.options.Folder, 0o700); err != nil {
		return err
	}
	entries, err := packaged.ReadDir("manifests")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(a.options.Folder, entry.Name())
		if a.disabled(entry.Name()) || skipped(path) {
			continue
		}
		content, err := a.packagedText(entry.Name())
		if err != nil {
			return err
		}
		logrus.Infof("Writing manifest: %s", path)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (a *Applier) packagedText(name string) ([]byte, error) {
	content, err := packaged.ReadFile("manifests/" + name)
	if err != nil {
		return nil, err
	}
	text := string(content)
	for variable, value := range a.options.Variables {
		text = strings.ReplaceAll(text, variable, value)
	}
	return []byte(text), nil
}

func (a *Applier) disabled(name string) bool {
	return slices.Contains(a.options.Disable, strings.TrimSuffix(name, filepath.Ext(name)))
}

func skipped(path string) bool {
	_, err := os.Stat(path + ".skip")
	return err == nil
}

// Run applies what is new or changed until the context ends.
func (a *Applier) Run(ctx context.Context) {
	for {
		if err := a.round(ctx); err != nil {
			logrus.Errorf("Failed to process config: %v", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(interval):
		}
	}
}

func (a *Applier) round(ctx context.Context) error {
	if err := a.ensureKind(ctx); err != nil {
		return err
	}
	files, err := manifests(a.options.Folder)
	if err != nil {
		return err
	}
	if err := a.removeDisabled(ctx); err != nil {
		return err
	}
	for _, path := range files {
		if a.disabled(filepath.Base(path)) || skipped(path) {
			continue
		}
		if err := a.file(ctx, path); err != nil { // the others go on, and this one is tried again
			logrus.Errorf("Failed to process config: failed to process %s: %v", path, err)
		}
	}
	return nil
}

func manifests(folder string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) {
			files = append(files, path)
		}
		return err
	})
	sort.Strings(files)
	return files, err
}

// file applies one manifest unless its AddOn says that this very content was applied.
func (a *Applier) file(ctx context.Context, path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(content)
	checksum := hex.EncodeToString(digest[:])
	name := addonName(path)
	known, err := a.addon(ctx, name)
	if err != nil || known == checksum {
		return err
	}
	objects, err := parse(content)
	if err != nil {
		return err
	}
	for _, object := range objects {
		if err := a.apply(ctx, object); err != nil {
			return err
		}
	}
	logrus.Infof("Applied manifest %s", path)
	return a.saveAddon(ctx, name, path, checksum)
}

func addonName(path string) string {
	base := filepath.Base(path)
	return strings.ToLower(strings.TrimSuffix(base, filepath.Ext(base)))
}
