"""A small file server on loopback that keeps what it was asked, and can misbehave in known ways."""

import contextlib
import re
import threading
from http.server import BaseHTTPRequestHandler


class Files:
    """What a server offers and how; tests change it while it runs."""

    def __init__(self):
        self.contents = {}  # path: bytes
        self.asked = []  # (path, Range header or "", bytes sent)
        self.cut_after = []  # for each of the next requests: bytes until the connection is cut
        self.hold_after = []  # for each of the next requests: bytes until nothing more comes before `go_on` is set
        self.go_on = threading.Event()
        self.ranges = True
        self.extra_length = 0  # what Content-Length says beyond the truth
        self.redirects = {}  # path: address
        self.etag = '"v1"'
        self.encoding = ""


def handler_of(files):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path in files.redirects:
                self.send_response(302)
                self.send_header("Location", files.redirects[self.path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            wanted = self.headers.get("Range", "")
            content = files.contents.get(self.path)
            if content is None:
                files.asked.append((self.path, wanted, 0))
                self.send_error(404, "Not Found")
                return
            start = 0
            same = self.headers.get("If-Range", files.etag) == files.etag
            if files.ranges and wanted and same:
                start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
                if start >= len(content):
                    files.asked.append((self.path, wanted, 0))
                    self.send_error(416)
                    return
                self.send_response(206)
                last = len(content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
            else:
                self.send_response(200)
            body = content[start:]
            self.send_header("Content-Length", str(len(body) + files.extra_length))
            if files.etag:
                self.send_header("ETag", files.etag)
            if files.encoding:
                self.send_header("Content-Encoding", files.encoding)
            self.end_headers()
            if files.cut_after:
                body = body[: files.cut_after.pop(0)]
            files.asked.append((self.path, wanted, len(body)))
            if files.hold_after:
                held = files.hold_after.pop(0)
                self.wfile.write(body[:held])
                self.wfile.flush()
                files.go_on.wait(600)
                body = body[held:]
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                # Who asked may have been killed.
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler
