"""nginx on loopback, where it is installed."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt-get install nginx-light)")

CONFIGURATION = """
{user}
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
    uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
    default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        location /slow/ {{ alias {root}/; limit_rate 60k; }}
        location /packed/ {{ alias {root}/; gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any; }}
        location /plain/ {{ alias {root}/; max_ranges 0; etag off; }}
        location /moved/ {{ return 301 /; }}
        location /old/ {{ rewrite ^/old/(.*)$ /$1 permanent; }}
    }}
}}
"""


@contextmanager
def nginx(root, folder):
    """Its URL while it serves `root`; `folder` is its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = "user root;" if os.geteuid() == 0 else ""
    path = folder / "nginx.conf"
    path.write_text(CONFIGURATION.format(user=user, folder=folder, root=root, port=port))
    server = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(path)], stderr=subprocess.DEVNULL)
    try:
        ends = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert time.monotonic() < ends and server.poll() is None, (folder / "error.log").read_text()
                time.sleep(0.01)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(10)
