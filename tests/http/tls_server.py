"""A small HTTPS or HTTP server for simulators: one function answers every request."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sim_tls import ensure_certificates


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, text = self.server.answer(self.command, self.path, self.headers, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


class TlsServer:
    """answer(method, path, headers, body) returns (status, bytes). directory None: without TLS."""

    def __init__(self, answer, directory=None):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.answer = answer
        scheme = "http"
        if directory:
            self.ca_path, cert, key = ensure_certificates(directory)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
