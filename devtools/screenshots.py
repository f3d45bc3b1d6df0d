#!/usr/bin/env python3
"""Take screenshots of a running Odoo with headless Chromium.

    python devtools/screenshots.py --db DB --out FOLDER SHOTS.json [NAME ...]

SHOTS.json is a list of shots, each an object:

    name     file name without ".png"
    folders  where to put it below --out (default: --out itself)
    path     address below the server, for example "/odoo/customer-ledger"; may be
             left out to go on in the page of the shot before
    wait     CSS selector that must be on the page (default: any list, form, kanban ...)
    click    selectors to click one after the other, each waited for
    script   JavaScript to run after that (may be a promise)
    width, height, scale   window (default 1280 x 800, 1)
    login, password        other user than --login; one session for each user

The page has to be quiet (no request in flight) before the picture is taken. A shot that
cannot be taken, or a page that shows an error dialog, makes the exit code 1 and is
named. Needs chromium and the Python package websocket-client.
"""

import argparse
import base64
import collections
import contextlib
import json
import math
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import websocket

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-allow-origins=*",
)
ANY_VIEW = (
    ".o_list_view, .o_form_view, .o_kanban_view, .o_pivot, .o_graph_view, .o_apps,"
    " .o_action_manager > *, main"
)
QUIET_SECONDS = 0.5
TIMEOUT_SECONDS = 45


class ShotError(Exception):
    """A shot that cannot be taken; the message says what was missing."""


def lift_memory_limit():
    """Let a browser reserve the addresses that Odoo's own limit would refuse it."""
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)


class Browser:
    """One headless Chromium, driven over the DevTools protocol.

    :param patience: seconds that a page may take until it shows what is waited for
    """

    def __init__(self, patience=TIMEOUT_SECONDS):
        self.patience = patience
        binary = next(filter(None, map(shutil.which, BROWSERS)), None)
        if not binary:
            raise SystemExit(f"No browser found, looked for {', '.join(BROWSERS)}.")
        self.profile = tempfile.mkdtemp(prefix="screenshots-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [
                binary,
                *FLAGS,
                f"--remote-debugging-port={self.port}",
                f"--user-data-dir={self.profile}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lift_memory_limit,
        )
        self.last_id = 0
        self.in_flight = {}
        self.console = collections.deque(maxlen=20)
        self.last_traffic = time.monotonic()
        self.socket = websocket.create_connection(self._page_address(), timeout=60)
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def _page_address(self):
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, StopIteration):
                url = f"http://127.0.0.1:{self.port}/json/list"
                with urllib.request.urlopen(url, timeout=5) as answer:
                    pages = json.load(answer)
                page = next(page for page in pages if page["type"] == "page")
                return page["webSocketDebuggerUrl"]
            time.sleep(0.1)
        raise SystemExit("The browser did not start.")

    def close(self):
        with contextlib.suppress(OSError, websocket.WebSocketException):
            self.call("Browser.close")
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _note(self, message):
        """Keep count of the requests that have no answer yet."""
        method, params = message.get("method", ""), message.get("params", {})
        if method == "Network.requestWillBeSent":
            # The notification poll stays open for ever and says nothing about the page.
            if "/websocket" not in params["request"]["url"]:
                self.in_flight[params["requestId"]] = params
                self.last_traffic = time.monotonic()
        elif method in ("Network.loadingFinished", "Network.loadingFailed"):
            self.in_flight.pop(params["requestId"], None)
            self.last_traffic = time.monotonic()
        elif method == "Log.entryAdded":
            entry = params["entry"]
            self.console.append(f"{entry['text']} {entry.get('url', '')}")
        elif method == "Runtime.exceptionThrown":
            self.console.append(json.dumps(params["exceptionDetails"])[:500])
        elif method == "Page.frameNavigated" and "parentId" not in params["frame"]:
            # Nobody tells how the requests of the page before have ended.
            self.in_flight = {
                request: sent
                for request, sent in self.in_flight.items()
                if sent["loaderId"] == params["frame"]["loaderId"]
            }

    def call(self, method, **params):
        self.last_id += 1
        wanted = self.last_id
        self.socket.send(json.dumps({"id": wanted, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == wanted:
                if "error" in message:
                    raise ShotError(f"{method}: {message['error']['message']}")
                return message["result"]
            self._note(message)

    def evaluate(self, expression):
        result = self.call(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise ShotError(details.get("exception", {}).get("description", "script"))
        return result["result"].get("value")

    def wait_for(self, selector):
        """Wait until the selector matches and the page is quiet.

        A page that stays blank is loaded once more, as a person would do it: on a busy
        machine Odoo's client sometimes does not start when its bundles are new.
        """
        started = time.monotonic()
        reload_at = started + self.patience / 6
        found = f"!!document.querySelector({json.dumps(selector)})"
        while time.monotonic() < started + self.patience:
            quiet = time.monotonic() - self.last_traffic > QUIET_SECONDS
            if self.evaluate(found) and quiet and not self.in_flight:
                return
            if time.monotonic() > reload_at and quiet and self._is_blank():
                reload_at = math.inf
                print(f"Blank, loaded again: {list(self.console)}", file=sys.stderr)
                self.call("Page.reload")
            time.sleep(0.1)
        waiting = [sent["request"]["url"] for sent in self.in_flight.values()]
        page = self.evaluate("location.href + ': ' + document.body.innerText")
        raise ShotError(
            f"no {selector!r} after {self.patience} s, requests without answer: "
            f"{waiting}, console: {list(self.console)}, page: {page[:2000]}"
        )

    def _is_blank(self):
        return self.evaluate("!document.body || !document.body.innerText.trim()")

    def size(self, width, height, scale):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )

    def picture(self, target):
        image = self.call("Page.captureScreenshot", format="png")["data"]
        target.write_bytes(base64.b64decode(image))


def open_session(url, db, login, password):
    """Log in and return the session id."""
    body = {"params": {"db": db, "login": login, "password": password}}
    request = urllib.request.Request(
        f"{url}/web/session/authenticate",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        content = json.load(answer)
        cookies = answer.headers.get_all("Set-Cookie") or []
    if "error" in content or not content.get("result", {}).get("uid"):
        raise SystemExit(f"Cannot log in as {login!r} on {db!r}.")
    pairs = (cookie.split(";")[0].partition("=") for cookie in cookies)
    return next(value for name, _, value in pairs if name == "session_id")


def take(browser, shot, options, sessions):
    """Take one shot and write its picture."""
    login = shot.get("login", options.login)
    password = shot.get("password", login if "login" in shot else options.password)
    if login not in sessions:
        sessions[login] = open_session(options.url, options.db, login, password)
    browser.call(
        "Network.setCookie",
        name="session_id",
        value=sessions[login],
        url=options.url,
        httpOnly=True,
    )
    width, height = shot.get("width", 1280), shot.get("height", 800)
    browser.size(width, height, shot.get("scale", 1))
    if "path" in shot:
        browser.in_flight.clear()
        browser.call("Page.navigate", url=options.url + shot["path"])
    browser.wait_for(shot.get("wait", ANY_VIEW))
    for selector in shot.get("click", ()):
        browser.wait_for(selector)
        browser.evaluate(f"document.querySelector({json.dumps(selector)}).click()")
        time.sleep(0.3)
        browser.wait_for("body")
    if "script" in shot:
        browser.evaluate(shot["script"])
        time.sleep(0.3)
        browser.wait_for("body")
    for folder in shot.get("folders", ["."]):
        target = options.out / folder
        target.mkdir(parents=True, exist_ok=True)
        browser.picture(target / f"{shot['name']}.png")
    if browser.evaluate("!!document.querySelector('.o_error_dialog')"):
        raise ShotError("the page shows an error dialog")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shots", type=pathlib.Path)
    parser.add_argument("names", nargs="*", help="only these shots")
    parser.add_argument("--url", default="http://localhost:8069")
    parser.add_argument("--db", required=True)
    parser.add_argument("--login", default="admin")
    parser.add_argument("--password", default="admin")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    shots = json.loads(options.shots.read_text())
    if options.names:
        shots = [shot for shot in shots if shot["name"] in options.names]
    failed, sessions, browser = 0, {}, Browser()
    try:
        for shot in shots:
            try:
                take(browser, shot, options, sessions)
                print(f"{shot['name']}.png")
            except ShotError as error:
                failed += 1
                print(f"{shot['name']}: {error}", file=sys.stderr)
    finally:
        browser.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
