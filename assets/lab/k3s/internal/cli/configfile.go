package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/sirupsen/logrus"
	"go.yaml.in/yaml/v3"
)

// DefaultConfig is where the configuration lies unless told otherwise.
const DefaultConfig = "/etc/rancher/k3s/config.yaml"

// WithConfig puts what the configuration files say before the arguments that follow `server` or `agent`.
//
// The files are config.yaml and then config.yaml.d/*.yaml in order of their names: a later key takes the place of an earlier one,
// `key+` adds to it. As in K3s, a key that `server` does not know is left out with a warning, and one that `agent` does not know
// reaches the command line's parser, which stops.
func WithConfig(args []string) ([]string, error) {
	at := commandAt(args)
	if at < 0 {
		return args, nil
	}
	given, err := readFiles(configPath(args))
	if err != nil {
		return nil, err
	}
	if args[at] == "server" {
		given = known(given, Names("server"))
	}
	merged := append([]string{}, args[:at+1]...)
	return append(append(merged, given...), args[at+1:]...), nil
}

func commandAt(args []string) int {
	for i, arg := range args {
		if i > 0 && (arg == "server" || arg == "agent") {
			return i
		}
	}
	return -1
}

func configPath(args []string) string {
	if path := os.Getenv("K3S_CONFIG_FILE"); path != "" {
		return path
	}
	for i, arg := range args {
		for _, name := range []string{"--config", "-c"} {
			if arg == name && i+1 < len(args) {
				return args[i+1]
			}
			if value, found := strings.CutPrefix(arg, name+"="); found {
				return value
			}
		}
	}
	return DefaultConfig
}

func known(args []string, names map[string]bool) []string {
	var kept []string
	for _, arg := range args {
		name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if names[name] {
			kept = append(kept, arg)
			continue
		}
		logrus.Warnf("Unknown flag --%s found in config.yaml, skipping\n", name)
	}
	return kept
}

// readFiles flattens the configuration file and its drop-ins to arguments; none at all is no error.
func readFiles(path string) ([]string, error) {
	merged := settings{values: map[string][]string{}}
	for _, file := range append([]string{path}, dropIns(path)...) {
		content, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := merged.add(content); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return merged.args(), nil
}

func dropIns(path string) []string {
	var found []string
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		files, _ := filepath.Glob(filepath.Join(path+".d", pattern))
		found = append(found, files...)
	}
	sort.Strings(found)
	return found
}

// settings keeps keys in the order in which they were first met, as K3s does.
type settings struct {
	order  []string
	values map[string][]string
}

func (s *settings) add(content []byte) error {
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return err
	}
	if len(document.Content) == 0 {
		return nil
	}
	mapping := document.Content[0]
	if mapping.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: a mapping of keys to values is needed", mapping.Line)
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, appends := strings.CutSuffix(mapping.Content[i].Value, "+")
		s.put(key, scalars(mapping.Content[i+1]), appends)
	}
	return nil
}

func (s *settings) put(key string, values []string, appends bool) {
	old, seen := s.values[key]
	if !seen {
		s.order = append(s.order, key)
	}
	if appends {
		values = append(append([]string{}, old...), values...)
	}
	s.values[key] = values
}

func scalars(node *yaml.Node) []string {
	if node.Kind != yaml.SequenceNode {
		return []string{node.Value}
	}
	values := []string{}
	for _, item := range node.Content {
		values = append(values, item.Value)
	}
	return values
}

func (s *settings) args() []string {
	var args []string
	for _, key := range s.order {
		dashes := "--"
		if len(key) == 1 {
			dashes = "-"
		}
		for _, value := range s.values[key] {
			args = append(args, dashes+key+"="+value)
		}
	}
	return args
}
