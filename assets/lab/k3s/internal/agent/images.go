package agent

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
)

const imagesInterval = 10 * time.Second

// importImages brings in every archive under agent/images, and pulls what .txt files list.
func (a *Agent) importImages(ctx context.Context) error {
	if err := os.MkdirAll(a.file("images"), 0o755); err != nil {
		return err
	}
	for _, path := range a.imageFiles() {
		if err := a.importFile(ctx, path); err != nil {
			logrus.Errorf("Error encountered while importing %s: %v", path, err)
		}
	}
	return ctx.Err()
}

// watchImages looks for archives that come later or change.
func (a *Agent) watchImages(ctx context.Context) {
	seen := a.stamps()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(imagesInterval):
		}
		for path, stamp := range a.stamps() {
			if seen[path] == stamp || time.Since(stamp) < imagesInterval/2 { // it may still be copied
				continue
			}
			seen[path] = stamp
			if err := a.importFile(ctx, path); err != nil {
				logrus.Errorf("Error encountered while importing %s: %v", path, err)
			}
		}
	}
}

func (a *Agent) stamps() map[string]time.Time {
	found := map[string]time.Time{}
	for _, path := range a.imageFiles() {
		if info, err := os.Stat(path); err == nil {
			found[path] = info.ModTime()
		}
	}
	return found
}

func (a *Agent) imageFiles() []string {
	var found []string
	for _, suffix := range []string{"tar", "tar.gz", "tgz", "tar.zst", "tzst", "txt"} {
		files, _ := filepath.Glob(a.file("images", "*."+suffix))
		found = append(found, files...)
	}
	sort.Strings(found)
	return found
}

func (a *Agent) importFile(ctx context.Context, path string) error {
	began := time.Now()
	if strings.HasSuffix(path, ".txt") {
		return a.pull(ctx, path)
	}
	archive, err := openArchive(path)
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }()
	output, err := a.ctr(ctx, archive, "images", "import", "--local", "-") // it does not decompress
	if err != nil {
		return err
	}
	for _, name := range imported(output) {
		if _, err := a.ctr(ctx, nil, "images", "label", name, "io.cattle.k3s.pinned=pinned", "io.cri-containerd.pinned=pinned"); err != nil {
			return err
		}
	}
	logrus.Infof("Imported images from %s in %s", path, time.Since(began).Round(time.Millisecond))
	return nil
}

var unpackingLine = regexp.MustCompile(`^unpacking (\S+) \(`)

func imported(output []byte) []string {
	var names []string
	lines := bufio.NewScanner(bytes.NewReader(output))
	for lines.Scan() {
		if found := unpackingLine.FindStringSubmatch(lines.Text()); found != nil {
			names = append(names, found[1])
		}
	}
	return names
}

func (a *Agent) pull(ctx context.Context, path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(string(content)) {
		logrus.Infof("Pulling image %s", name)
		if _, err := a.ctr(ctx, nil, "images", "pull", name); err != nil {
			logrus.Errorf("Failed to pull %s: %v", name, err)
		}
	}
	return nil
}

func (a *Agent) ctr(ctx context.Context, input io.Reader, args ...string) ([]byte, error) {
	args = append([]string{"--address", containerdSocket, "--namespace", "k8s.io"}, args...)
	command := exec.CommandContext(ctx, a.program("ctr"), args...)
	command.Stdin = input
	output, err := command.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return nil, fmt.Errorf("ctr: %s", strings.TrimSpace(string(failed.Stderr)))
	}
	return output, err
}
