// The lab's stand-in for K3s: upstream Kubernetes behind K3s's command line, files and supervisor. It is lab equipment and is
// never installed on a user's hosts; docs/lab.md of the wizard says what it does and does not do.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"

	flags "homelab.arpa/lab/k3s/internal/cli"
	"homelab.arpa/lab/k3s/internal/kube"
)

// version is what the build says; the same as the K3s release that this stands in for.
var version = "v0.0.0"

const missing = `Lab equipment, built from upstream Kubernetes: not Rancher's binary.
Not here: SQLite, kine, embedded etcd and its snapshots, servicelb, the cloud controller, network policies (accepted, not enforced),
flannel's vxlan, wireguard and IPv6 (the pod network is host-gw), the embedded registry, registries.yaml, metrics-server,
local-path-provisioner, crictl, SELinux, rootless, docker, VPN, agentless servers, token rotate, secrets-encrypt, etcd-snapshot.`

func main() {
	kube.Run(filepath.Base(os.Args[0]))
	cli.VersionPrinter = func(*cli.Context) {
		fmt.Printf("k3s version %s (lab)\ngo version %s\n", version, runtime.Version())
	}
	app := &cli.App{
		Name: "k3s", Usage: "Kubernetes, but small and simple", Description: missing, Version: version,
		DisableSliceFlagSeparator: true,
		Commands: []*cli.Command{
			{Name: "server", Usage: "Run management server", Flags: flags.Urfave("server"), Action: runServer},
			{Name: "agent", Usage: "Run node agent", Flags: flags.Urfave("agent"), Action: runAgent},
			{Name: "kubectl", Usage: "Run kubectl", SkipFlagParsing: true, Action: func(c *cli.Context) error {
				kube.Kubectl(c.Args().Slice())
				return nil
			}},
			{Name: "ctr", Usage: "Run ctr", SkipFlagParsing: true, Action: runCtr},
			tokenCommand(),
			certificateCommand(),
			{Name: "check-config", Usage: "Run config check", Action: checkConfig},
		},
	}
	args, err := flags.WithConfig(os.Args)
	if err != nil {
		logrus.Fatal(err)
	}
	if err := app.Run(args); err != nil && !errors.Is(err, context.Canceled) {
		logrus.Fatal(err)
	}
}
