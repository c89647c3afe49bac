package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLaterFilesReplaceAndAppend(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.yaml")
	write(t, config, "tls-san: [a, b]\ntoken: first\ndebug: true\n")
	write(t, config+".d/10-more.yaml", "tls-san+: [c]\ntoken: second\n")
	write(t, config+".d/20-last.yaml", "token: third\nv: 2\n")
	write(t, config+".d/30-ignored.txt", "token: fourth\n")
	got, err := WithConfig([]string{"k3s", "server", "--config", config, "--token=line"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"k3s", "server", "--tls-san=a", "--tls-san=b", "--tls-san=c", "--token=third", "--debug=true", "-v=2",
		"--config", config, "--token=line",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUnknownKeysAreLeftOutForServersOnly(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.yaml")
	write(t, config, "no-such-key: 1\nnode-name: n\n")
	server, err := WithConfig([]string{"k3s", "server", "-c", config})
	if err != nil || slices.Contains(server, "--no-such-key=1") || !slices.Contains(server, "--node-name=n") {
		t.Errorf("server: %q %v", server, err)
	}
	agent, err := WithConfig([]string{"k3s", "agent", "-c", config})
	if err != nil || !slices.Contains(agent, "--no-such-key=1") {
		t.Errorf("agent: %q %v", agent, err)
	}
}

func TestNoFileIsNoErrorAndOtherCommandsReadNone(t *testing.T) {
	for _, args := range [][]string{{"k3s", "agent", "-c", "/no/such/file"}, {"k3s", "kubectl", "get", "nodes"}, {"k3s"}} {
		got, err := WithConfig(args)
		if err != nil || !slices.Equal(got, args) {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

func TestWhatIsNoMappingIsRefused(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.yaml")
	for _, text := range []string{"- a\n- b\n", "a: [\n"} {
		write(t, config, text)
		if _, err := WithConfig([]string{"k3s", "server", "-c", config}); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestEveryFlagIsWellFormed(t *testing.T) {
	for _, command := range []string{"server", "agent"} {
		seen := map[string]bool{}
		for _, flag := range Flags(command) {
			if seen[flag.Name] {
				t.Errorf("%s: %s twice", command, flag.Name)
			}
			seen[flag.Name] = true
			if !slices.Contains([]string{"bool", "int", "string", "list"}, flag.Kind) ||
				!slices.Contains([]string{Works, Accepted, Refused}, flag.Here) || flag.Usage == "" {
				t.Errorf("%s: %+v", command, flag)
			}
		}
	}
}

func TestMismatchedNamesWhatDiffers(t *testing.T) {
	ours := Shared{ClusterCIDR: "10.42.0.0/16", SecretsEncryption: true}
	theirs := Shared{ClusterCIDR: "10.50.0.0/16"}
	if got := ours.Mismatched(theirs); !slices.Equal(got, []string{"cluster-cidr", "secrets-encryption"}) {
		t.Errorf("got %q", got)
	}
	if got := ours.Mismatched(ours); got != nil {
		t.Errorf("got %q", got)
	}
}
