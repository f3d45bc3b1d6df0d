import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

const LONG_NAME = "Donaudampfschifffahrt Donaudampfschifffahrt";
const AMOUNT = "9.876.543.210,12";

// Fail if what is shown is wider than its place.
function assertFits(element, what) {
    if (element.scrollWidth > element.clientWidth + 1) {
        throw new Error(
            `${what}: ${element.scrollWidth} px in ${element.clientWidth} px`
        );
    }
}

// A company without documents: each screen says what will come there.
tours.add("subledger_empty", {
    steps: () => [
        {
            content: "The ledger says what writes its entries",
            trigger: ".o_nocontent_help:contains('No customer entries here')",
        },
        {
            content: "The reports",
            trigger: ".o_menu_sections button:contains('Reporting')",
            run: "click",
        },
        {
            content: "The curve",
            trigger: ".dropdown-item:contains('Receivables over Time')",
            run: "click",
        },
        {
            content: "It says with what it begins",
            trigger: ".o_nocontent_help:contains('begins with the first invoice')",
        },
        {
            content: "Customers",
            trigger: ".o_menu_sections button:contains('Customers')",
            run: "click",
        },
        {
            content: "Their balances",
            trigger: ".dropdown-item:contains('Customer Balances')",
            run: "click",
        },
        {
            content: "They say when an account appears",
            trigger: ".o_nocontent_help:contains('No customer owes anything here')",
        },
    ],
});

// A file that is no table is refused as a whole, with a reason.
tours.add("subledger_import_unreadable", {
    steps: () => [
        {
            content: "Choose a picture instead of a table",
            trigger: ".o_field_widget[name='file'] input[type='file']:not(:visible)",
            run() {
                const bytes = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13]);
                const transfer = new DataTransfer();
                transfer.items.add(new File([bytes], "year.csv", {type: "text/csv"}));
                this.anchor.files = transfer.files;
                this.anchor.dispatchEvent(new Event("change", {bubbles: true}));
            },
        },
        {
            content: "Check it",
            trigger: "button[name='action_check']:contains('Check File')",
            run: "click",
        },
        {
            content: "One sentence, and what to do",
            trigger:
                ".modal .modal-body:contains('not a text file'):contains('Save the table as CSV')",
        },
        {
            content: "Understood",
            trigger: ".modal .modal-footer button",
            run: "click",
        },
        {
            content: "Another file can be chosen, or the import given up",
            trigger: ".o_form_button_cancel",
            run: "click",
        },
        {
            content: "Nothing was kept",
            trigger: ".o_action_manager:not(:has(.o_form_dirty)):not(:contains('year.csv'))",
        },
    ],
});

// A backfill that was stopped by an error.
tours.add("subledger_backfill_failed", {
    steps: () => [
        {
            content: "It says why, and what to do",
            trigger:
                ".alert-danger:contains('Resume when the cause is gone'):contains('disk full')",
        },
        {
            content: "Resume",
            trigger: "button[name='action_resume']",
            run: "click",
        },
        {
            content: "It works again",
            trigger:
                ".o_form_view:has(button[name='action_pause']):not(:has(.alert-danger))",
        },
    ],
});

// A long name and ten digits, read in German.
tours.add("subledger_large", {
    steps: () => [
        {
            content: "The group of the customer with its total",
            trigger: `.o_group_header:contains('${LONG_NAME}'):contains('${AMOUNT}')`,
            run: "click",
        },
        {
            content: "The entry: amount and date as a German reads them",
            trigger: `.o_data_row:contains('31.01.2026') td[name='running_balance']:contains('${AMOUNT}')`,
            run() {
                assertFits(this.anchor, "the balance");
                assertFits(document.documentElement, "the page");
            },
        },
        {
            content: "It opens",
            trigger: ".o_data_row td[name='reference']",
            run: "click",
        },
        {
            content: "With the whole name",
            trigger: `.o_form_view [name='partner_id']:contains('${LONG_NAME}')`,
            run() {
                assertFits(document.documentElement, "the page");
            },
        },
    ],
});

// The same in a narrow window.
tours.add("subledger_large_on_a_phone", {
    steps: () => [
        {
            content: "The name is broken, the amount is whole",
            trigger: `.o_kanban_record:contains('${LONG_NAME}'):contains('${AMOUNT}')`,
            run() {
                assertFits(this.anchor, "the card");
                assertFits(document.documentElement, "the page");
            },
        },
    ],
});
