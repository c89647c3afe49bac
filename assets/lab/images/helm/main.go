// Command job is what a helm-controller job runs in the lab: helm, told by the environment and arguments that the
// controller gives its jobs (helm-controller v0.17.7, pkg/controllers/chart/chart.go).
//
// The publisher's image cannot be had where this is used; the contract is met, its script is not copied. As the
// controller expects, nothing is done where the release is not at the revision the job was made for, and every
// release bears the hash of its configuration as a label.
package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

const (
	helm           = "/usr/local/bin/helm"
	authority      = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
	hashLabel      = "helmcharts.helm.cattle.io/configHash"
	terminationLog = "/dev/termination-log"
)

// errAborted ends a job whose failure policy forbids to touch a failed release.
var errAborted = errors.New("the failure policy is abort: a person has to look at it")

// release is one row of `helm list`.
type release struct {
	Name     string `json:"name"`
	Revision string `json:"revision"`
	Status   string `json:"status"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		say("%v", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("usage: install|delete [helm's own flags]")
	}
	found, err := current()
	if err != nil {
		return err
	}
	if moved(found) {
		say("release is at revision %s, this job was made for %s: left alone", revision(found), os.Getenv("EXPECTED_RELEASE_REVISION"))
		return nil
	}
	if args[0] == "delete" {
		return remove(found)
	}
	return apply(found, args[1:])
}

// current returns the newest revision of the release, nil where there is none.
func current() (*release, error) {
	name := os.Getenv("NAME")
	out, err := output("list", "--all", "--namespace", namespace(), "--filter", "^"+name+"$", "--output", "json")
	if err != nil {
		return nil, err
	}
	var rows []release
	if err := json.Unmarshal(out, &rows); err != nil {
		return nil, fmt.Errorf("helm list: %w", err)
	}
	for _, row := range rows {
		if row.Name == name {
			return &row, nil
		}
	}
	return nil, nil
}

func revision(found *release) string {
	if found == nil {
		return "0"
	}
	return found.Revision
}

func moved(found *release) bool {
	expected := os.Getenv("EXPECTED_RELEASE_REVISION")
	return expected != "" && expected != revision(found)
}

func remove(found *release) error {
	if found == nil {
		say("nothing to delete")
		return nil
	}
	return execute("uninstall", os.Getenv("NAME"), "--namespace", namespace(), "--wait")
}

// apply installs, upgrades, or does what the failure policy says of a release that did not come to an end.
func apply(found *release, flags []string) error {
	words, err := arguments(flags)
	if err != nil {
		return err
	}
	switch {
	case found == nil:
		return execute(append([]string{"install"}, words...)...)
	case found.Status == "deployed" || found.Status == "superseded":
		return execute(append([]string{"upgrade"}, words...)...)
	}
	policy := os.Getenv("FAILURE_POLICY")
	say("release is %s at revision %s, failure policy %s", found.Status, found.Revision, policy)
	switch policy {
	case "abort":
		return errAborted
	case "retry":
		return retry(found, words)
	default:
		if err := remove(found); err != nil {
			return err
		}
		return execute(append([]string{"install"}, words...)...)
	}
}

// retry upgrades a failed release; one that was interrupted is locked by helm and is first taken back.
func retry(found *release, words []string) error {
	if strings.HasPrefix(found.Status, "pending") {
		number, err := strconv.Atoi(found.Revision)
		if err != nil || number < 2 {
			if err := remove(found); err != nil {
				return err
			}
			return execute(append([]string{"install"}, words...)...)
		}
		if err := execute("rollback", os.Getenv("NAME"), "--namespace", namespace()); err != nil {
			return err
		}
	}
	return execute(append([]string{"upgrade"}, words...)...)
}

// arguments puts together what install and upgrade have in common: the later file of values wins.
func arguments(flags []string) ([]string, error) {
	chart, err := chartPlace()
	if err != nil {
		return nil, err
	}
	words := []string{os.Getenv("NAME"), chart, "--namespace", namespace()}
	words = append(words, without(flags, "--namespace")...)
	files, err := filepath.Glob("/config/values-*.yaml")
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	for _, file := range files {
		words = append(words, "--values", file)
	}
	if timeout := os.Getenv("TIMEOUT"); timeout != "" {
		words = append(words, "--timeout", timeout)
	}
	if hash := os.Getenv("CONFIG_HASH"); hash != "" {
		words = append(words, "--labels", hashLabel+"="+hash)
	}
	if repo := os.Getenv("REPO"); repo != "" {
		words = append(words, "--repo", repo)
	}
	return words, nil
}

// without drops a flag and its value.
func without(flags []string, name string) []string {
	kept := make([]string, 0, len(flags))
	for at := 0; at < len(flags); at++ {
		if flags[at] == name {
			at++
			continue
		}
		kept = append(kept, flags[at])
	}
	return kept
}

// chartPlace is the chart as helm takes it: the content that came with the HelmChart before all else.
func chartPlace() (string, error) {
	name, chart := os.Getenv("NAME"), os.Getenv("CHART")
	packed, err := os.ReadFile(filepath.Join("/chart", name+".tgz.base64"))
	switch {
	case err == nil:
		content, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(packed)))
		if err != nil {
			return "", fmt.Errorf("chartContent: %w", err)
		}
		place := filepath.Join(os.TempDir(), name+".tgz")
		return place, os.WriteFile(place, content, 0o600)
	case !errors.Is(err, os.ErrNotExist):
		return "", err
	}
	if os.Getenv("REPO") != "" {
		chart = strings.TrimPrefix(chart, name+"/")
	}
	server := os.Getenv("KUBERNETES_SERVICE_HOST") + ":" + os.Getenv("KUBERNETES_SERVICE_PORT")
	return strings.ReplaceAll(chart, "%{KUBERNETES_API}%", server), nil
}

func namespace() string {
	return os.Getenv("TARGET_NAMESPACE")
}

func output(args ...string) ([]byte, error) {
	command := exec.Command(helm, args...)
	command.Env = environment()
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("helm %s: %w", args[0], err)
	}
	return out, nil
}

func execute(args ...string) error {
	fmt.Println("+ helm " + strings.Join(args, " "))
	command := exec.Command(helm, args...)
	command.Env, command.Stdout, command.Stderr = environment(), os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("helm %s %s: %w", args[0], os.Getenv("NAME"), err)
	}
	return nil
}

// environment lets helm trust the API server, which serves K3s's own charts.
func environment() []string {
	if _, err := os.Stat(authority); err != nil {
		return os.Environ()
	}
	return append(os.Environ(), "SSL_CERT_FILE="+authority)
}

// say tells the log and, where the kubelet reads why a container ended, that file.
func say(text string, values ...any) {
	line := fmt.Sprintf(text, values...)
	fmt.Println(line)
	file, err := os.OpenFile(terminationLog, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return
	}
	defer file.Close()
	fmt.Fprintln(file, line)
}
