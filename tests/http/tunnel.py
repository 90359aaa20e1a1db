#!/usr/bin/python3
"""What stands in for cloudflared and ngrok: a program of either name that takes the same words, and
opens a TLS address which leads to the service named to it.

$TUNNEL_CERTIFICATE is the certificate with its key of simpletuner.example.com, $TUNNEL_PORT the
port on 127.0.0.1 where that name is served.
"""

import http.client
import http.server
import json
import os
import pathlib
import ssl
import sys
import urllib.parse

import yaml

HOST = "simpletuner.example.com"
CLOUDFLARED = pathlib.Path.home() / ".cloudflared"
NGROK = pathlib.Path.home() / ".ngrok-token"
TUNNEL_ID = "YOUR_TUNNEL_ID"


class Forwarder(http.server.BaseHTTPRequestHandler):
    """Hands a request on, with the headers a tunnel adds."""

    protocol_version = "HTTP/1.1"
    target = None

    def do_GET(self):
        if self.headers["Host"] != HOST:
            self.send_error(404)
            return
        forwarded = {"Host": HOST, "X-Forwarded-For": "198.51.100.9", "X-Forwarded-Proto": "https"}
        connection = http.client.HTTPConnection(self.target.hostname, self.target.port)
        connection.request(self.command, self.path, headers=forwarded)
        answer = connection.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


def forward(service):
    Forwarder.target = urllib.parse.urlsplit(service)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["TUNNEL_PORT"])),
                                             Forwarder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["TUNNEL_CERTIFICATE"])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


def run_cloudflared():
    config = yaml.safe_load((CLOUDFLARED / "config.yml").read_text())
    assert config["tunnel"] == TUNNEL_ID
    assert pathlib.Path(config["credentials-file"]).expanduser().exists()
    *named, last = config["ingress"]
    assert "hostname" not in last, "the last rule of ingress takes everything"
    [service] = [rule["service"] for rule in named if rule["hostname"] == HOST]
    forward(service)


def cloudflared(*words):
    CLOUDFLARED.mkdir(exist_ok=True)
    match words:
        case ["tunnel", "login"]:
            (CLOUDFLARED / "cert.pem").touch()
        case ["tunnel", "create", "simpletuner"]:
            assert (CLOUDFLARED / "cert.pem").exists(), "not logged in"
            (CLOUDFLARED / f"{TUNNEL_ID}.json").write_text(json.dumps({"TunnelID": TUNNEL_ID}))
        case ["tunnel", "list"]:
            print(TUNNEL_ID, "simpletuner")
        case ["tunnel", "run", "simpletuner"]:
            run_cloudflared()
        case ["service", "install"]:
            assert (CLOUDFLARED / "config.yml").exists(), "nothing is configured"
        case _:
            sys.exit(f"cloudflared does not know {words}")


def ngrok(*words):
    match words:
        case ["config", "add-authtoken", token]:
            NGROK.write_text(token)
        case ["http", port, "--url", url]:
            assert NGROK.exists(), "no token"
            assert urllib.parse.urlsplit(url).hostname == HOST
            forward(f"http://127.0.0.1:{port}")
        case _:
            sys.exit(f"ngrok does not know {words}")


if __name__ == "__main__":
    {"cloudflared": cloudflared, "ngrok": ngrok}[pathlib.Path(sys.argv[0]).name](*sys.argv[1:])
