// Command storage stands in for Longhorn in the lab: volumes are folders of one directory that all guests share, and
// the pods of a node that is down are let go as Longhorn's node-down policy does.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"homelab.arpa/lab/images/equipment/kube"
)

const (
	provisioner = "lab.homelab.arpa/shared"
	pause       = time.Second
)

func main() {
	client, err := kube.InCluster()
	if err != nil {
		log.Fatal(err)
	}
	root := os.Getenv("STORAGE_ROOT")
	if root == "" {
		log.Fatal("STORAGE_ROOT names no directory")
	}
	log.Printf("volumes of %s are folders of %s; nothing is replicated", provisioner, root)
	for ; ; time.Sleep(pause) {
		for _, step := range []func(*kube.Client, string) error{provision, reclaim, letGo} {
			if err := step(client, root); err != nil {
				log.Print(err)
			}
		}
	}
}

type claim struct {
	Meta kube.Meta `json:"metadata"`
	Spec struct {
		StorageClassName string   `json:"storageClassName"`
		AccessModes      []string `json:"accessModes"`
		VolumeMode       string   `json:"volumeMode"`
		Resources        struct {
			Requests map[string]string `json:"requests"`
		} `json:"resources"`
	} `json:"spec"`
	Status struct {
		Phase string `json:"phase"`
	} `json:"status"`
}

type class struct {
	Meta          kube.Meta `json:"metadata"`
	Provisioner   string    `json:"provisioner"`
	ReclaimPolicy string    `json:"reclaimPolicy"`
}

type volume struct {
	Meta kube.Meta `json:"metadata"`
	Spec struct {
		ReclaimPolicy string `json:"persistentVolumeReclaimPolicy"`
		HostPath      struct {
			Path string `json:"path"`
		} `json:"hostPath"`
	} `json:"spec"`
	Status struct {
		Phase string `json:"phase"`
	} `json:"status"`
}

// provision gives every waiting claim of our classes a folder and a volume of its name.
func provision(client *kube.Client, root string) error {
	ours, err := classes(client)
	if err != nil {
		return err
	}
	claims, err := kube.List[claim](client, "/api/v1/persistentvolumeclaims")
	if err != nil {
		return err
	}
	for _, one := range claims {
		policy, known := ours[one.Spec.StorageClassName]
		if !known || one.Status.Phase != "Pending" || one.Spec.VolumeMode == "Block" {
			continue
		}
		name := "pvc-" + one.Meta.UID
		folder := filepath.Join(root, name)
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
		if err := os.Chmod(folder, 0o777); err != nil { // the umask took bits away
			return err
		}
		if err := client.Do(http.MethodPost, "/api/v1/persistentvolumes", persistent(name, folder, policy, one), nil); err != nil {
			log.Print(err) // it is there already, and the claim will be bound
			continue
		}
		log.Printf("%s/%s: %s", one.Meta.Namespace, one.Meta.Name, folder)
	}
	return nil
}

func classes(client *kube.Client) (map[string]string, error) {
	all, err := kube.List[class](client, "/apis/storage.k8s.io/v1/storageclasses")
	ours := map[string]string{}
	for _, one := range all {
		if one.Provisioner == provisioner {
			ours[one.Meta.Name] = one.ReclaimPolicy
		}
	}
	return ours, err
}

func persistent(name, folder, policy string, one claim) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "PersistentVolume",
		"metadata": map[string]any{
			"name":        name,
			"annotations": map[string]string{"pv.kubernetes.io/provisioned-by": provisioner},
		},
		"spec": map[string]any{
			"accessModes":                   one.Spec.AccessModes,
			"capacity":                      map[string]string{"storage": one.Spec.Resources.Requests["storage"]},
			"storageClassName":              one.Spec.StorageClassName,
			"persistentVolumeReclaimPolicy": policy,
			"hostPath":                      map[string]string{"path": folder, "type": "Directory"},
			"claimRef": map[string]string{
				"apiVersion": "v1", "kind": "PersistentVolumeClaim",
				"namespace": one.Meta.Namespace, "name": one.Meta.Name, "uid": one.Meta.UID,
			},
		},
	}
}

// reclaim removes released volumes that are to be deleted, and their folders.
func reclaim(client *kube.Client, root string) error {
	volumes, err := kube.List[volume](client, "/api/v1/persistentvolumes")
	if err != nil {
		return err
	}
	for _, one := range volumes {
		ours := one.Meta.Annotations["pv.kubernetes.io/provisioned-by"] == provisioner
		if !ours || one.Status.Phase != "Released" || one.Spec.ReclaimPolicy != "Delete" {
			continue
		}
		folder := one.Spec.HostPath.Path
		if filepath.Dir(folder) != filepath.Clean(root) {
			return fmt.Errorf("%s is no volume of %s", folder, root)
		}
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
		if err := client.Do(http.MethodDelete, "/api/v1/persistentvolumes/"+one.Meta.Name, nil, nil); err != nil {
			return err
		}
		log.Printf("%s: removed", folder)
	}
	return nil
}
