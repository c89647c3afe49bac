// Command ingress plays Traefik in the lab: it writes what the cluster's Ingress objects ask for as nginx's
// configuration and keeps nginx running by it.
//
// What it knows: hosts, paths (Prefix, Exact), services by port, TLS secrets, K3s's class name, the redirection to
// HTTPS and the read timeout. Traefik's own resources and annotations it does not know.
package main

import (
	"bytes"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"homelab.arpa/lab/images/equipment/kube"
)

const (
	home  = "/tmp/ingress"
	pause = 2 * time.Second
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	client, err := kube.InCluster()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(home, "tls"), 0o700); err != nil {
		return err
	}
	if err := selfSigned(filepath.Join(home, "tls", "default.pem")); err != nil {
		return err
	}
	file := filepath.Join(home, "nginx.conf")
	if err := os.WriteFile(file, render(options(), nil), 0o600); err != nil {
		return err
	}
	nginx := exec.Command("/usr/sbin/nginx", "-c", file, "-g", "daemon off;")
	nginx.Stdout, nginx.Stderr = os.Stdout, os.Stderr
	if err := nginx.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- nginx.Wait() }()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	for {
		select {
		case err := <-ended:
			return err
		case <-stop:
			_ = nginx.Process.Signal(syscall.SIGQUIT) // requests that run are finished
			return <-ended
		case <-time.After(pause):
			if err := follow(client, nginx.Process, file); err != nil {
				log.Print(err)
			}
		}
	}
}

// follow brings nginx to what the cluster asks for now; an unusable configuration is kept from it.
func follow(client *kube.Client, nginx *os.Process, file string) error {
	sites, err := sites(client)
	if err != nil {
		return err
	}
	wanted := render(options(), sites)
	if known, err := os.ReadFile(file); err == nil && bytes.Equal(known, wanted) {
		return nil
	}
	next := file + ".next"
	if err := os.WriteFile(next, wanted, 0o600); err != nil {
		return err
	}
	if said, err := exec.Command("/usr/sbin/nginx", "-t", "-q", "-c", next).CombinedOutput(); err != nil {
		log.Printf("%s", said)
		return err
	}
	if err := os.Rename(next, file); err != nil {
		return err
	}
	log.Printf("%d sites", len(sites))
	return nginx.Signal(syscall.SIGHUP)
}
