package server

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/controlplane/reconcilers"
)

const kubernetesService = "kubernetes"

func (s *Server) ports() []corev1.EndpointPort {
	return []corev1.EndpointPort{{Name: "https", Port: int32(s.options.AdvertisePort), Protocol: corev1.ProtocolTCP}}
}

func (s *Server) reconciler() reconcilers.EndpointReconciler {
	adapter := reconcilers.NewEndpointsAdapter(s.kubernetes.CoreV1(), s.kubernetes.DiscoveryV1())
	return reconcilers.NewLeaseEndpointReconciler(adapter, leases{s.etcd})
}

// keepEndpoints lists the live servers as default/kubernetes. The API server would do it itself, with the port it listens on,
// which is not the one that others reach: upstream has no --advertise-port.
func (s *Server) keepEndpoints(ctx context.Context) {
	reconciler := s.reconciler()
	for {
		if err := reconciler.ReconcileEndpoints(kubernetesService, s.advertised(), s.ports(), true); err != nil {
			logrus.Warnf("Endpoints of the API servers: %v", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(leaseTime / 3):
		}
	}
}

func (s *Server) leave() {
	if s.kubernetes == nil {
		return
	}
	if err := s.reconciler().RemoveEndpoints(kubernetesService, s.advertised(), s.ports()); err != nil {
		logrus.Debugf("Endpoints of the API servers: %v", err)
	}
}
