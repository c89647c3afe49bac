package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// modules are kernel parts that a node needs, by a sign that they are there.
var modules = map[string]string{
	"overlay": "overlay", "nf_conntrack": "nf_conntrack", "br_netfilter": "br_netfilter", "nf_nat": "nf_nat",
}

// checkConfig looks at the machine as `k3s check-config` does, at what this stand-in needs.
func checkConfig(*cli.Context) error {
	failed := false
	say := func(name string, good bool, must bool) {
		word := "enabled"
		if !good {
			word = "missing"
			failed = failed || must
		}
		fmt.Printf("- %s: %s\n", name, word)
	}
	fmt.Println("System:")
	for _, program := range []string{"iptables", "mount"} {
		_, err := exec.LookPath(program)
		say(program, err == nil, program == "mount")
	}
	fmt.Println("Limits:")
	for _, controller := range []string{"cpu", "memory", "pids"} {
		say("cgroup "+controller, controllerThere(controller), true)
	}
	fmt.Println("Modules:")
	for name, module := range modules {
		_, err := os.Stat(filepath.Join("/sys/module", module))
		say(name, err == nil, false) // the node tries to load it
	}
	if failed {
		return errors.New("STATUS: something is missing")
	}
	fmt.Println("STATUS: pass")
	return nil
}

func controllerThere(name string) bool {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err != nil {
		_, err := os.Stat(filepath.Join("/sys/fs/cgroup", name))
		return err == nil
	}
	content, err := os.ReadFile("/sys/fs/cgroup/cgroup.controllers")
	return err == nil && containsWord(string(content), name)
}

func containsWord(text, word string) bool { return slices.Contains(strings.Fields(text), word) }
