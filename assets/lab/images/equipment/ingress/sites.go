package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sort"

	"homelab.arpa/lab/images/equipment/kube"
)

type ingress struct {
	Meta kube.Meta `json:"metadata"`
	Spec struct {
		ClassName string `json:"ingressClassName"`
		TLS       []struct {
			Hosts  []string `json:"hosts"`
			Secret string   `json:"secretName"`
		} `json:"tls"`
		Rules []struct {
			Host string `json:"host"`
			HTTP struct {
				Paths []struct {
					Path    string `json:"path"`
					Type    string `json:"pathType"`
					Backend struct {
						Service struct {
							Name string `json:"name"`
							Port struct {
								Name   string `json:"name"`
								Number int    `json:"number"`
							} `json:"port"`
						} `json:"service"`
					} `json:"backend"`
				} `json:"paths"`
			} `json:"http"`
		} `json:"rules"`
	} `json:"spec"`
}

type service struct {
	Spec struct {
		ClusterIP string `json:"clusterIP"`
		Ports     []struct {
			Name string `json:"name"`
			Port int    `json:"port"`
		} `json:"ports"`
	} `json:"spec"`
}

type secret struct {
	Data map[string][]byte `json:"data"`
}

// site is one host name and where its paths lead.
type site struct {
	host        string
	certificate string
	routes      []route
}

type route struct {
	path   string
	exact  bool
	target string
}

// sites reads the Ingress objects of K3s's class, or of none, in the order of their names.
func sites(client *kube.Client) ([]site, error) {
	all, err := kube.List[ingress](client, "/apis/networking.k8s.io/v1/ingresses")
	if err != nil {
		return nil, err
	}
	sort.Slice(all, func(a, b int) bool {
		return all[a].Meta.Namespace+"/"+all[a].Meta.Name < all[b].Meta.Namespace+"/"+all[b].Meta.Name
	})
	var found []site
	for _, one := range all {
		if one.Spec.ClassName != "" && one.Spec.ClassName != "traefik" {
			continue
		}
		for _, rule := range one.Spec.Rules {
			next := site{host: rule.Host, certificate: certificate(client, one, rule.Host)}
			for _, path := range rule.HTTP.Paths {
				backend := path.Backend.Service
				target, err := target(client, one.Meta.Namespace, backend.Name, backend.Port.Name, backend.Port.Number)
				if err != nil {
					return nil, err
				}
				next.routes = append(next.routes, route{path.Path, path.Type == "Exact", target})
			}
			found = append(found, next)
		}
	}
	return found, nil
}

// target is the address of a service: kube-proxy chooses among its pods.
func target(client *kube.Client, namespace, name, port string, number int) (string, error) {
	var found service
	if err := client.Do(http.MethodGet, fmt.Sprintf("/api/v1/namespaces/%s/services/%s", namespace, name), nil, &found); err != nil {
		return "", err
	}
	for _, one := range found.Spec.Ports {
		if (port != "" && one.Name == port) || one.Port == number {
			return fmt.Sprintf("%s:%d", found.Spec.ClusterIP, one.Port), nil
		}
	}
	return "", fmt.Errorf("service %s/%s has no port %s%d", namespace, name, port, number)
}

// certificate writes the TLS secret of a host, and says where; empty = the lab's own.
func certificate(client *kube.Client, one ingress, host string) string {
	for _, tls := range one.Spec.TLS {
		if tls.Secret == "" || !contains(tls.Hosts, host) {
			continue
		}
		var found secret
		path := fmt.Sprintf("/api/v1/namespaces/%s/secrets/%s", one.Meta.Namespace, tls.Secret)
		if err := client.Do(http.MethodGet, path, nil, &found); err != nil {
			return ""
		}
		place := filepath.Join(home, "tls", one.Meta.Namespace+"-"+tls.Secret+".pem")
		content := append(append([]byte{}, found.Data["tls.crt"]...), found.Data["tls.key"]...)
		if os.WriteFile(place, content, 0o600) == nil {
			return place
		}
	}
	return ""
}

func contains(all []string, one string) bool {
	for _, each := range all {
		if each == one {
			return true
		}
	}
	return len(all) == 0
}
