package main

import (
	"fmt"
	"log"
	"net/http"

	"homelab.arpa/lab/images/equipment/kube"
)

type node struct {
	Meta   kube.Meta `json:"metadata"`
	Status struct {
		Conditions []struct {
			Type   string `json:"type"`
			Status string `json:"status"`
		} `json:"conditions"`
	} `json:"status"`
}

type pod struct {
	Meta kube.Meta `json:"metadata"`
	Spec struct {
		NodeName string `json:"nodeName"`
		Volumes  []struct {
			Claim *struct {
				Name string `json:"claimName"`
			} `json:"persistentVolumeClaim"`
		} `json:"volumes"`
	} `json:"spec"`
}

// letGo deletes at once the terminating pods with volumes of nodes that are down: nodeDownPodDeletionPolicy
// delete-both-statefulset-and-deployment-pod. The kubelet that would confirm their end cannot.
func letGo(client *kube.Client, _ string) error {
	nodes, err := kube.List[node](client, "/api/v1/nodes")
	if err != nil {
		return err
	}
	down := map[string]bool{}
	for _, one := range nodes {
		for _, condition := range one.Status.Conditions {
			if condition.Type == "Ready" && condition.Status != "True" {
				down[one.Meta.Name] = true
			}
		}
	}
	if len(down) == 0 {
		return nil
	}
	pods, err := kube.List[pod](client, "/api/v1/pods")
	if err != nil {
		return err
	}
	for _, one := range pods {
		if !down[one.Spec.NodeName] || one.Meta.DeletionTimestamp == "" || !one.hasVolume() {
			continue
		}
		path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s", one.Meta.Namespace, one.Meta.Name)
		now := map[string]any{
			"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0,
			"preconditions": map[string]string{"uid": one.Meta.UID},
		}
		if err := client.Do(http.MethodDelete, path, now, nil); err != nil {
			return err
		}
		log.Printf("%s/%s: let go, %s is down", one.Meta.Namespace, one.Meta.Name, one.Spec.NodeName)
	}
	return nil
}

func (p pod) hasVolume() bool {
	for _, volume := range p.Spec.Volumes {
		if volume.Claim != nil {
			return true
		}
	}
	return false
}
