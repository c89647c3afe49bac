package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"syscall"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"

	"homelab.arpa/lab/k3s/internal/agent"
	flags "homelab.arpa/lab/k3s/internal/cli"
	"homelab.arpa/lab/k3s/internal/payload"
	"homelab.arpa/lab/k3s/internal/process"
	"homelab.arpa/lab/k3s/internal/server"
)

func begin(c *cli.Context) error {
	if c.Bool("debug") {
		logrus.SetLevel(logrus.DebugLevel)
	}
	ignored, err := flags.Check(c.Command.Name, c.IsSet)
	for _, name := range ignored {
		logrus.Warnf("%s has no effect in the lab", name)
	}
	if err == nil && os.Geteuid() != 0 {
		err = errors.New(c.Command.Name + " must run as root")
	}
	return err
}

func runServer(c *cli.Context) error {
	if err := begin(c); err != nil {
		return err
	}
	options, err := flags.ReadServer(c)
	if err != nil {
		return err
	}
	if err := agent.CompleteNode(&options.Agent); err != nil {
		return err
	}
	programs, err := payload.Unpack(options.Agent.DataDir)
	if err != nil {
		return err
	}
	logrus.Infof("Starting k3s %s (lab)", version)
	return supervised(func(ctx context.Context, group *process.Group) (func(), error) {
		control := server.New(options, programs, group)
		if err := control.Start(ctx); err != nil {
			return nil, err
		}
		node := options.Agent
		node.Token = control.NodeToken()
		url := fmt.Sprintf("https://127.0.0.1:%d", options.HTTPSPort)
		return control.Stop, agent.New(node, programs, group).Local(ctx, url)
	}, "k3s is up and running")
}

func runAgent(c *cli.Context) error {
	if err := begin(c); err != nil {
		return err
	}
	options, err := flags.ReadAgent(c)
	if err != nil {
		return err
	}
	if options.ServerURL == "" {
		return errors.New("--server is required")
	}
	if options.Token == "" {
		return errors.New("--token is required")
	}
	if err := agent.CompleteNode(&options); err != nil {
		return err
	}
	programs, err := payload.Unpack(options.DataDir)
	if err != nil {
		return err
	}
	logrus.Infof("Starting k3s agent %s (lab)", version)
	return supervised(func(ctx context.Context, group *process.Group) (func(), error) {
		return func() {}, agent.New(options, programs, group).Join(ctx)
	}, "k3s agent is up and running")
}

// supervised starts a node, says that it is up, and waits for a signal or for the end of one of its programs.
func supervised(start func(context.Context, *process.Group) (func(), error), up string) error {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	group := process.NewGroup()
	defer group.Stop()
	started := make(chan error, 1)
	leave := func() {}
	go func() {
		stop, err := start(ctx, group)
		if err == nil {
			leave = stop
		}
		started <- err
	}()
	for {
		select {
		case err := <-group.Failed():
			return err
		case <-ctx.Done():
			leave()
			return nil
		case err := <-started:
			if err != nil {
				return err
			}
			debug.FreeOSMemory() // unpacking and importing are over
			logrus.Info(up)
			_, _ = systemd.SdNotify(false, systemd.SdNotifyReady)
		}
	}
}

func runCtr(c *cli.Context) error {
	programs, err := payload.Unpack(dataDir())
	if err != nil {
		return err
	}
	args := append([]string{"--address", "/run/k3s/containerd/containerd.sock", "--namespace", "k8s.io"}, c.Args().Slice()...)
	command := exec.Command(programs+"/bin/ctr", args...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	return command.Run()
}

func dataDir() string {
	if folder := os.Getenv("K3S_DATA_DIR"); folder != "" {
		return folder
	}
	return flags.DefaultDataDir
}
