// Package kube holds upstream's programs, each under its own name.
package kube

import (
	"context"
	"os"
	_ "time/tzdata" // time zones of CronJobs

	"github.com/spf13/cobra"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // kubectl's ways to log in
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register" // what the programs' own mains register
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

var programs = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-proxy":              proxy.NewProxyCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
}

// Run runs the program that this process was started as, and does not return if there is one of that name.
func Run(name string) {
	if program, there := programs[name]; there {
		os.Exit(cli.Run(program()))
	}
	if name == "kubectl" {
		runKubectl()
	}
}

// Kubectl runs kubectl with arguments, for `k3s kubectl`.
func Kubectl(args []string) {
	os.Args = append([]string{"kubectl"}, args...)
	runKubectl()
}

func runKubectl() {
	const administrator = "/etc/rancher/k3s/k3s.yaml"
	if os.Getenv("KUBECONFIG") == "" {
		if _, err := os.Stat(administrator); err == nil {
			_ = os.Setenv("KUBECONFIG", administrator)
		}
	}
	_, _ = logs.GlogSetter(kubectl.GetLogVerbosity(os.Args))
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
	os.Exit(0)
}
