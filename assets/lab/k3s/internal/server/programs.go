package server

import (
	"fmt"
	"strconv"

	"homelab.arpa/lab/k3s/internal/process"
)

// innerPort is where the API server listens, on loopback only; the supervisor stands before it.
const innerPort = 6444

var apiURL = fmt.Sprintf("https://127.0.0.1:%d", innerPort)

func (s *Server) apiserverArgs() process.Args {
	o, tls := s.options, s.paths.tls
	args := process.Args{
		"advertise-address":                  s.advertised().String(),
		"allow-privileged":                   "true",
		"anonymous-auth":                     "false",
		"api-audiences":                      "https://kubernetes.default.svc." + o.Shared.ClusterDomain + ",k3s",
		"authorization-mode":                 "Node,RBAC",
		"bind-address":                       "127.0.0.1",
		"client-ca-file":                     tls("client-ca.crt"),
		"enable-admission-plugins":           "NodeRestriction",
		"enable-aggregator-routing":          "true",
		"enable-bootstrap-token-auth":        "true",
		"endpoint-reconciler-type":           "none",
		"etcd-servers":                       o.Endpoint,
		"kubelet-certificate-authority":      tls("server-ca.crt"),
		"kubelet-client-certificate":         tls("client-kube-apiserver.crt"),
		"kubelet-client-key":                 tls("client-kube-apiserver.key"),
		"kubelet-preferred-address-types":    "InternalIP,ExternalIP,Hostname",
		"profiling":                          "false",
		"proxy-client-cert-file":             tls("client-auth-proxy.crt"),
		"proxy-client-key-file":              tls("client-auth-proxy.key"),
		"requestheader-allowed-names":        "system:auth-proxy",
		"requestheader-client-ca-file":       tls("request-header-ca.crt"),
		"requestheader-extra-headers-prefix": "X-Remote-Extra-",
		"requestheader-group-headers":        "X-Remote-Group",
		"requestheader-username-headers":     "X-Remote-User",
		"secure-port":                        strconv.Itoa(innerPort),
		"service-account-issuer":             "https://kubernetes.default.svc." + o.Shared.ClusterDomain,
		"service-account-key-file":           tls("service.key"),
		"service-account-signing-key-file":   tls("service.current.key"),
		"service-cluster-ip-range":           o.Shared.ServiceCIDR,
		"service-node-port-range":            o.NodePorts,
		"storage-backend":                    "etcd3",
		"tls-cert-file":                      tls("serving-kube-apiserver.crt"),
		"tls-private-key-file":               tls("serving-kube-apiserver.key"),
		"v":                                  strconv.Itoa(o.Agent.Verbosity),
	}
	for name, value := range map[string]string{"etcd-cafile": o.EtcdCA, "etcd-certfile": o.EtcdCert, "etcd-keyfile": o.EtcdKey} {
		if value != "" {
			args[name] = value
		}
	}
	if path := s.paths.cred("encryption-config.json"); o.Shared.SecretsEncryption {
		args["encryption-provider-config"] = path
		args["encryption-provider-config-automatic-reload"] = "true"
	}
	return args.With(o.APIServerArgs)
}

func (s *Server) controllerArgs() process.Args {
	tls, config := s.paths.tls, s.paths.cred("controller.kubeconfig")
	args := process.Args{
		"allocate-node-cidrs":              "true",
		"authentication-kubeconfig":        config,
		"authorization-kubeconfig":         config,
		"bind-address":                     "127.0.0.1",
		"cluster-cidr":                     s.options.Shared.ClusterCIDR,
		"configure-cloud-routes":           "false",
		"controllers":                      "*,tokencleaner",
		"kubeconfig":                       config,
		"profiling":                        "false",
		"root-ca-file":                     tls("server-ca.crt"),
		"service-account-private-key-file": tls("service.current.key"),
		"service-cluster-ip-range":         s.options.Shared.ServiceCIDR,
		"use-service-account-credentials":  "true",
	}
	signers := map[string]string{
		"kube-apiserver-client": "client-ca", "kubelet-client": "client-ca", "kubelet-serving": "server-ca", "legacy-unknown": "server-ca",
	}
	for signer, ca := range signers {
		args["cluster-signing-"+signer+"-cert-file"] = tls(ca + ".crt")
		args["cluster-signing-"+signer+"-key-file"] = tls(ca + ".key")
	}
	return args.With(s.options.ControllerArgs)
}

func (s *Server) schedulerArgs() process.Args {
	config := s.paths.cred("scheduler.kubeconfig")
	args := process.Args{
		"authentication-kubeconfig": config,
		"authorization-kubeconfig":  config,
		"bind-address":              "127.0.0.1",
		"kubeconfig":                config,
		"profiling":                 "false",
	}
	return args.With(s.options.SchedulerArgs)
}
