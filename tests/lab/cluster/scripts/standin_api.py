"""In the place of an API server: TLS on port 6443, for clients with a certificate; says that it is ready, or is not.

Usage: `python3 THIS FOLDER`, a folder with K3s' names for the certificates; not ready while FOLDER/down is there.
"""

import http.server
import ssl
import sys
from pathlib import Path

FOLDER = Path(sys.argv[1])


class Api(http.server.BaseHTTPRequestHandler):
    """Knows one page."""

    def do_GET(self) -> None:
        ready = self.path == "/readyz" and not (FOLDER / "down").exists()
        said = b"ok" if ready else b"[-]etcd failed: reason withheld"
        self.send_response(200 if ready else 500)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


server = http.server.ThreadingHTTPServer(("", 6443), Api)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(FOLDER / "serving.crt", FOLDER / "serving.key")
context.load_verify_locations(FOLDER / "server-ca.crt")
context.verify_mode = ssl.CERT_REQUIRED
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
