"""A web server on this machine that behaves as the path asks for: slow, endless, redirecting, or well."""

import gzip
import http.server
import threading
import time
from contextlib import contextmanager


class Pages(http.server.BaseHTTPRequestHandler):
    """Answers as the path asks for."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Host"]))
        path, _, target = self.path.partition("?")
        if path == "/to":
            self.send_response(302)
            self.send_header("Location", target)
            self.end_headers()
        elif path == "/circle":
            self.send_response(307)
            self.send_header("Location", "/circle")
            self.end_headers()
        elif path == "/large":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(bytes(5000))
        elif path == "/announced":
            self.send_response(200)
            self.send_header("Content-Length", "1000000000000")
            self.end_headers()
        elif path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"x")
        elif path == "/drip":
            self.send_response(200)
            self.end_headers()
            self.drip(b"x")
        elif path == "/dripping-headers":
            self.drip(b"HTTP/1.1 200 OK\r\nX: ", b"y")
        elif path == "/compressed":
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(gzip.compress(bytes(1 << 20)))
        elif path == "/missing":
            self.send_error(404)
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.server.files.get(path, b"a file"))

    def drip(self, first, more=b"x"):
        try:
            self.wfile.write(first)
            for _ in range(100):
                self.wfile.write(more)
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            return

    def log_message(self, *_):
        pass


@contextmanager
def pages(*, tls=None, files=None):
    """Serve for the block, with the SSLContext *tls* if there is one, *files* under their paths."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.asked = []
    server.files = files or {}
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
