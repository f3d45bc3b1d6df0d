"""The three apps as a user sees them, in a real browser."""

import contextlib
import json
import time

from odoo.tests import HttpCase, tagged

from devtools.databases import query
from devtools.screenshots import Browser
from devtools.session import session_of_tests

from .servers import running_server, wait_until_healthy

APP_NAMES = ("Subledger", "Credit Control", "Balance Guard")
WAIT_FOR_MENU = """
const names = %s;
const missing = () => {
    const shown = [...document.querySelectorAll(".o_app, .dropdown-item")].map(
        (item) => item.textContent.trim()
    );
    return names.filter((name) => !shown.includes(name));
};
let clicked = false;
const deadline = Date.now() + 30000;
const timer = setInterval(() => {
    const toggle = document.querySelector(".o_navbar_apps_menu button");
    if (toggle && !clicked) {
        clicked = true;
        toggle.click();
    }
    if (clicked && !missing().length) {
        clearInterval(timer);
        console.log("test successful");
    } else if (Date.now() > deadline) {
        clearInterval(timer);
        console.error("not in the apps menu: " + missing().join(", "));
    }
}, 100);
"""


@tagged("post_install", "-at_install")
class TestAppsInBrowser(HttpCase):
    """An administrator logs in and finds what was installed."""

    def test_login_page_leads_to_the_three_apps(self):
        """The apps menu of the web client offers the three apps."""
        self.browser_js(
            "/odoo",
            WAIT_FOR_MENU % list(APP_NAMES),
            ready="!!document.querySelector('.o_navbar_apps_menu button')",
            login="admin",
            timeout=90,
        )

    def test_apps_list_shows_them_installed(self):
        """The Apps list has a card with an icon for each of the three."""
        modules = self.env["ir.module.module"].search(
            [("application", "=", True), ("author", "=", "Subledger Team")]
        )
        self.assertEqual(len(modules), 3)
        self.assertEqual(set(modules.mapped("state")), {"installed"})
        for module in modules:
            icon = self.url_open(module.icon)
            self.assertEqual(icon.status_code, 200, module.name)
            self.assertEqual(icon.headers["Content-Type"], "image/png")


# Installing from the Apps menu, on a database of its own

INSTALLING = 180
INSTALLED = """
    SELECT 1 FROM ir_module_module WHERE shortdesc->>'en_US' = '{}'
       AND state = 'installed'"""
APPS = "/odoo/apps"
LOGIN = """
document.querySelector("#login").value = "admin";
document.querySelector("#password").value = "admin";
document.querySelector(".oe_login_form").submit();
"""
# Presses the button once the search has brought the card.
ACTIVATE = """
new Promise((done) => {
    const timer = setInterval(() => {
        const button = [...document.querySelectorAll(".o_kanban_record")]
            .find((card) => card.textContent.includes(%s))
            ?.querySelector("button[name=button_immediate_install]");
        if (button) {
            clearInterval(timer);
            document.body.dataset.installing = true;
            button.click();
            done();
        }
    }, 100);
})
"""


class Visitor:
    """Somebody with a browser on a server's address."""

    def __init__(self, browser, url):
        self.browser, self.url = browser, url

    def visit(self, path, selector):
        self.browser.in_flight.clear()
        self.browser.call("Page.navigate", url=self.url + path)
        self.browser.wait_for(selector)

    def search(self, words):
        """Type into the search box and press Enter."""
        self.browser.evaluate("document.querySelector('.o_searchview_input').focus()")
        self.browser.call("Input.insertText", text=words)
        for kind in ("keyDown", "keyUp"):
            enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
            self.browser.call("Input.dispatchKeyEvent", type=kind, text="\r", **enter)

    def log_in(self):
        self.visit("/web/login", "#password")
        self.browser.evaluate(LOGIN)
        self.browser.wait_for(".o_navbar_apps_menu, .o_home_menu")

    def activate(self, app):
        """Press the button of the app's card; Odoo comes back when it is there."""
        self.visit(APPS, ".o_kanban_record")
        self.search(app)
        self.browser.evaluate(ACTIVATE % json.dumps(app))


def wait_for_rows(statement, database):
    deadline = time.monotonic() + INSTALLING
    while not query(statement, database):
        assert time.monotonic() < deadline, f"not after {INSTALLING} s: {statement}"
        time.sleep(0.5)


def test_install_the_three_apps_from_the_apps_menu():
    """An administrator with an Odoo that has none of them presses three buttons."""
    session = session_of_tests()
    with (
        session.databases.clone(session.templates.base(), "apps") as database,
        running_server(database, "--max-cron-threads=0") as url,
        contextlib.closing(Browser(patience=INSTALLING)) as browser,
    ):
        wait_until_healthy(url)
        browser.size(1280, 800, 1)
        visitor = Visitor(browser, url)
        visitor.log_in()
        for app in ("Sales Ledger Sync", *APP_NAMES[1:]):
            visitor.activate(app)
            wait_for_rows(INSTALLED.format(app), database)
            # Odoo loads its page anew when the app is there.
            browser.wait_for("body:not([data-installing]) .o_main_navbar")
        visitor.visit("/odoo/customer-ledger", ".o_list_view")
        visitor.visit("/odoo/credit-holds", ".o_kanban_view")
        visitor.visit("/odoo/balance-health", ".o_view_controller")
