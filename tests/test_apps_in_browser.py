"""The three apps as a user sees them, in a real browser."""

from odoo.tests import HttpCase, tagged

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
