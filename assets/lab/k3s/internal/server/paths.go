// Package server is a K3s server: the shared data, the control plane's programs, and the supervisor in front of them.
package server

import "path/filepath"

// paths are a server's files, named as K3s names them.
type paths struct{ folder string }

func (p paths) tls(name string) string  { return filepath.Join(p.folder, "tls", name) }
func (p paths) cred(name string) string { return filepath.Join(p.folder, "cred", name) }
func (p paths) in(parts ...string) string {
	return filepath.Join(append([]string{p.folder}, parts...)...)
}
