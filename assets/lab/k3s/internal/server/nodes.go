package server

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"homelab.arpa/lab/k3s/internal/process"
)

// watchNodes forgets the password of a node that was deleted, and tells CoreDNS the nodes' names.
func (s *Server) watchNodes(ctx context.Context) {
	factory := informers.NewSharedInformerFactory(s.kubernetes, 10*time.Minute)
	nodes := factory.Core().V1().Nodes()
	changed := make(chan struct{}, 1)
	signal := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	_, err := nodes.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { signal() },
		UpdateFunc: func(any, any) { signal() },
		DeleteFunc: func(gone any) {
			signal()
			if node, ok := gone.(*corev1.Node); ok {
				s.forget(ctx, node.Name)
			}
		},
	})
	if err != nil {
		logrus.Errorf("nodes: %v", err)
		return
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), nodes.Informer().HasSynced) {
		return
	}
	ticker := time.NewTicker(30 * time.Second) // the map may be made by another server, later
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-ticker.C:
		}
		list, err := nodes.Lister().List(everything)
		if err == nil {
			err = s.writeHosts(ctx, list)
		}
		if err != nil {
			logrus.Warnf("NodeHosts of CoreDNS: %v", err)
		}
	}
}

func (s *Server) forget(ctx context.Context, node string) {
	err := s.kubernetes.CoreV1().Secrets("kube-system").Delete(ctx, secretName(node), metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		logrus.Warnf("password of node %s: %v", node, err)
	}
}

func (s *Server) writeHosts(ctx context.Context, nodes []*corev1.Node) error {
	var lines []string
	for _, node := range nodes {
		for _, address := range node.Status.Addresses {
			if address.Type == corev1.NodeInternalIP {
				lines = append(lines, address.Address+" "+node.Name)
			}
		}
	}
	sort.Strings(lines)
	hosts := strings.Join(lines, "\n") + "\n"
	maps := s.kubernetes.CoreV1().ConfigMaps("kube-system")
	known, err := maps.Get(ctx, "coredns", metav1.GetOptions{})
	if apierrors.IsNotFound(err) || (err == nil && known.Data["NodeHosts"] == hosts) {
		return nil
	}
	if err != nil {
		return err
	}
	patch, err := json.Marshal(map[string]any{"data": map[string]string{"NodeHosts": hosts}})
	if err != nil {
		return err
	}
	_, err = maps.Patch(ctx, "coredns", types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "k3s-nodehosts"})
	return err
}

// labelNode marks this server's node as K3s does, and tells the cluster's DNS settings.
func (s *Server) labelNode(ctx context.Context) {
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{"node-role.kubernetes.io/control-plane":"true"}}}`)
	err := process.Poll(ctx, time.Second, func() bool {
		_, err := s.kubernetes.CoreV1().Nodes().Patch(ctx, s.options.Agent.NodeName, types.MergePatchType, patch, metav1.PatchOptions{})
		return err == nil
	})
	if err == nil {
		logrus.Infof("Labels and annotations have been set successfully on node: %s", s.options.Agent.NodeName)
	}
	_, err = s.kubernetes.CoreV1().ConfigMaps("kube-system").Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "cluster-dns"},
		Data:       map[string]string{"clusterDNS": s.options.Shared.ClusterDNS, "clusterDomain": s.options.Shared.ClusterDomain},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		logrus.Warnf("cluster-dns: %v", err)
	}
}
