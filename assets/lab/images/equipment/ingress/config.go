package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// settings come from the chart's values, by the environment.
type settings struct {
	redirect    bool
	readTimeout string
}

func options() settings {
	timeout := os.Getenv("READ_TIMEOUT")
	if timeout == "" || timeout == "0" || timeout == "0s" {
		timeout = "24h" // nginx has no word for never
	}
	return settings{redirect: os.Getenv("REDIRECT_TO_HTTPS") == "true", readTimeout: timeout}
}

const frame = `worker_processes 1;
error_log stderr warn;
pid /tmp/ingress/nginx.pid;
events { worker_connections 512; }
http {
  access_log off;
  server_tokens off;
  client_max_body_size 0;
  client_body_temp_path /tmp/ingress/body;
  proxy_temp_path /tmp/ingress/proxy;
  fastcgi_temp_path /tmp/ingress/fastcgi;
  uwsgi_temp_path /tmp/ingress/uwsgi;
  scgi_temp_path /tmp/ingress/scgi;
  server_names_hash_bucket_size 128;
  proxy_http_version 1.1;
  proxy_request_buffering off;
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $host;
  proxy_connect_timeout 5s;
  proxy_read_timeout 600s;
  server {
    listen 9000;
    location = /ping { return 200 "OK"; }
    location / { return 404; }
  }
`

// render writes nginx's configuration: the same sites give the same bytes.
func render(set settings, sites []site) []byte {
	var out bytes.Buffer
	out.WriteString(frame)
	fmt.Fprintf(&out, "  client_body_timeout %s;\n", set.readTimeout)
	server(&out, "8000 default_server", site{}, "", set.redirect)
	server(&out, "8443 ssl default_server", site{}, filepath.Join(home, "tls", "default.pem"), false)
	for _, one := range sites {
		certificate := one.certificate
		if certificate == "" {
			certificate = filepath.Join(home, "tls", "default.pem")
		}
		server(&out, "8000", one, "", set.redirect)
		server(&out, "8443 ssl", one, certificate, false)
	}
	out.WriteString("}\n")
	return out.Bytes()
}

func server(out *bytes.Buffer, listen string, one site, certificate string, redirect bool) {
	fmt.Fprintf(out, "  server {\n    listen %s;\n", listen)
	if one.host != "" {
		fmt.Fprintf(out, "    server_name %s;\n", one.host)
	}
	if certificate != "" {
		fmt.Fprintf(out, "    ssl_certificate %s;\n    ssl_certificate_key %s;\n", certificate, certificate)
	}
	if redirect {
		out.WriteString("    return 308 https://$host$request_uri;\n  }\n")
		return
	}
	for _, to := range one.routes {
		match := to.path
		if to.exact {
			match = "= " + to.path
		}
		fmt.Fprintf(out, "    location %s { proxy_pass http://%s; }\n", match, to.target)
	}
	if len(one.routes) == 0 {
		out.WriteString("    location / { return 404; }\n")
	}
	out.WriteString("  }\n")
}
