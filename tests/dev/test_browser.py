"""The browser of the screenshots and of the tests without Odoo's own."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from devtools.screenshots import Browser, ShotError


@contextlib.contextmanager
def site(*pages):
    """The address of a site that shows one page after the other, the last for good."""
    left = list(pages)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            if self.path == "/":
                page = left.pop(0) if len(left) > 1 else left[0]
                self.wfile.write(f"<body>{page}</body>".encode())

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def browser_on(url, patience):
    with contextlib.closing(Browser(patience=patience)) as browser:
        browser.call("Page.navigate", url=url)
        yield browser


def test_blank_page_is_loaded_once_more():
    with site("", "<p id='there'>there</p>") as url, browser_on(url, 12) as browser:
        browser.wait_for("#there")


def test_page_that_does_not_come_says_what_it_shows():
    with site("<p>something else</p>") as url, browser_on(url, 2) as browser:
        with pytest.raises(ShotError, match="no '#there'.*page: .*something else"):
            browser.wait_for("#there")
