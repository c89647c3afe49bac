// Package cli reads the command line and the configuration files as K3s does.
package cli

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

//go:embed flags.tsv
var table string

// What a flag does in the lab.
const (
	Works    = "works"
	Accepted = "accepted"
	Refused  = "refused"
)

// Flag is one line of flags.tsv.
type Flag struct {
	Who, Name, Short, Kind, Env, Default, Here, Usage string
}

// Flags lists what a command ("server" or "agent") knows.
func Flags(command string) []Flag {
	var found []Flag
	for _, line := range strings.Split(table, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		part := strings.Split(line, "\t")
		flag := Flag{part[0], part[1], part[2], part[3], part[4], part[5], part[6], part[7]}
		if flag.Who == command || flag.Who == "both" {
			found = append(found, flag)
		}
	}
	return found
}

// Names is every name and short name of a command's flags.
func Names(command string) map[string]bool {
	names := map[string]bool{}
	for _, flag := range Flags(command) {
		names[flag.Name] = true
		if flag.Short != "" {
			names[flag.Short] = true
		}
	}
	return names
}

// Urfave is a command's flags for the command line library, which is K3s's own.
func Urfave(command string) []cli.Flag {
	var made []cli.Flag
	for _, flag := range Flags(command) {
		made = append(made, flag.urfave())
	}
	return made
}

func (f Flag) urfave() cli.Flag {
	var aliases, env []string
	if f.Short != "" {
		aliases = []string{f.Short}
	}
	if f.Env != "" {
		env = []string{f.Env}
	}
	usage := f.Usage
	if f.Here != Works {
		usage = fmt.Sprintf("(%s here) %s", f.Here, f.Usage)
	}
	switch f.Kind {
	case "bool":
		return &cli.BoolFlag{Name: f.Name, Aliases: aliases, EnvVars: env, Usage: usage, Value: f.Default == "true"}
	case "int":
		value, _ := strconv.Atoi(f.Default)
		return &cli.IntFlag{Name: f.Name, Aliases: aliases, EnvVars: env, Usage: usage, Value: value}
	case "list":
		return &cli.StringSliceFlag{Name: f.Name, Aliases: aliases, EnvVars: env, Usage: usage}
	}
	return &cli.StringFlag{Name: f.Name, Aliases: aliases, EnvVars: env, Usage: usage, Value: f.Default}
}

// Check tells of flags that were set and do nothing here, and refuses those that cannot be obeyed.
func Check(command string, isSet func(string) bool) (ignored []string, err error) {
	for _, flag := range Flags(command) {
		if !isSet(flag.Name) {
			continue
		}
		switch flag.Here {
		case Refused:
			return nil, fmt.Errorf("--%s is not part of the lab's K3s (see k3s --help)", flag.Name)
		case Accepted:
			ignored = append(ignored, "--"+flag.Name)
		}
	}
	return ignored, nil
}
