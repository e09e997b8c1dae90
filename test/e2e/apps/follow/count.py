# the page's app, and another port that says how many it holds
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module

from held import held

app = import_module(os.environ["APP"]).app


class Count(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(len(held)).encode())


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["COUNT_PORT"])), Count)
threading.Thread(target=server.serve_forever, daemon=True).start()
