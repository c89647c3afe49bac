package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"homelab.arpa/lab/k3s/internal/process"
)

const (
	containerdState  = "/run/k3s/containerd"
	containerdSocket = containerdState + "/containerd.sock"
	// readyTime is how long containerd may take to answer.
	readyTime = 60 * time.Second
)

const containerdConfig = `# Written by k3s at every start.
version = 2
root = %q
state = %q

[grpc]
  address = %q

[plugins."io.containerd.internal.v1.opt"]
  path = %q

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %q
  stream_server_address = "127.0.0.1"
  stream_server_port = "10010"
  enable_selinux = false
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  tolerate_missing_hugetlb_controller = true
  disable_apparmor = %t
  restrict_oom_score_adj = %t

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = %q

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  BinaryName = %q
  SystemdCgroup = %t

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = %q
  conf_dir = %q
`

func (a *Agent) startContainerd(ctx context.Context) error {
	config := a.file("etc", "containerd", "config.toml")
	for _, folder := range []string{a.file("etc", "containerd"), a.file("etc", "cni", "net.d"), a.file("containerd"), containerdState} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	text := fmt.Sprintf(containerdConfig, a.file("containerd"), containerdState, containerdSocket, a.file("containerd"),
		a.options.PauseImage, !apparmor(), !capable(unix.CAP_SYS_RESOURCE), a.snapshotter(), a.program("runc"), systemdCgroups(),
		a.program(""), a.file("etc", "cni", "net.d"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	output, err := os.OpenFile(a.file("containerd", "containerd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	logrus.Infof("Logging containerd to %s", output.Name())
	if err := a.group.Start("containerd", a.program("containerd"), []string{"-c", config}, nil, output); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	if err := process.Poll(ctx, 200*time.Millisecond, answers); err != nil {
		return errors.New("containerd does not answer; see " + output.Name())
	}
	logrus.Info("containerd is now running")
	return nil
}

func answers() bool {
	connection, err := net.Dial("unix", containerdSocket)
	if err == nil {
		_ = connection.Close()
	}
	return err == nil
}

// snapshotter is the one asked for, or native where an overlay cannot be mounted (a container's root that is an overlay itself).
func (a *Agent) snapshotter() string {
	if a.options.Snapshotter != "overlayfs" {
		return a.options.Snapshotter
	}
	if err := tryOverlay(a.file("containerd")); err != nil {
		logrus.Warnf("\"overlayfs\" snapshotter cannot be enabled for %q (%v): using \"native\"", a.file("containerd"), err)
		return "native"
	}
	return "overlayfs"
}

func tryOverlay(root string) error {
	scratch, err := os.MkdirTemp(root, "overlay-test")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(scratch+"/"+name, 0o700); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", scratch, scratch, scratch)
	if err := unix.Mount("overlay", scratch+"/merged", "overlay", 0, options); err != nil {
		return err
	}
	return unix.Unmount(scratch+"/merged", 0)
}

func apparmor() bool {
	enabled, err := os.ReadFile("/sys/module/apparmor/parameters/enabled")
	if err != nil || !strings.HasPrefix(string(enabled), "Y") {
		return false
	}
	_, err = os.Stat("/sbin/apparmor_parser")
	return err == nil
}

// capable tells whether this process has a capability.
func capable(capability int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[capability/32].Effective&(1<<(capability%32)) != 0
}

func cgroupV2() bool {
	_, err := os.Stat("/sys/fs/cgroup/cgroup.controllers")
	return err == nil
}

// systemdCgroups: as K3s, only where systemd started us and there is one hierarchy.
func systemdCgroups() bool { return os.Getenv("INVOCATION_ID") != "" && cgroupV2() }
