package server

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/sirupsen/logrus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// helmJobImage is the one that the K3s of this version names (sources: wizard/lab/container_images.py).
const helmJobImage = "rancher/klipper-helm:v0.13.3-build20260727"

// runHelm runs the Helm controller on one server at a time, where the binary carries one.
func (s *Server) runHelm(ctx context.Context) {
	path := filepath.Join(s.programs, "bin", "helm-controller")
	if _, err := os.Stat(path); err != nil || s.options.DisableHelmController {
		return
	}
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Name: "k3s", Namespace: "kube-system"},
			Client:     s.kubernetes.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: s.options.Agent.NodeName},
		},
		LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second, ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) {
				if err := s.startHelm(path); err != nil {
					logrus.Errorf("helm-controller: %v", err)
				}
			},
			OnStoppedLeading: func() {
				if ctx.Err() == nil {
					logrus.Fatal("leaderelection lost for k3s")
				}
			},
		},
	})
}

func (s *Server) startHelm(path string) error {
	image := s.options.HelmJobImage
	if image == "" {
		image = registry(s.options.Registry) + helmJobImage
	}
	args := []string{
		"--kubeconfig=" + s.paths.cred("helm-controller.kubeconfig"), "--job-cluster-role=cluster-admin",
		"--node-name=" + s.options.Agent.NodeName, "--default-job-image=" + image,
	}
	return s.group.Start("helm-controller", path, args, nil, os.Stderr)
}
