import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

// From the contact into the ledger, by the balance button.
tours.add("subledger_read_customer_ledger", {
    steps: () => [
        {
            content: "The contact shows what the customer owes",
            trigger: "button[name='action_open_customer_ledger']:contains('345.00')",
            run: "click",
        },
        {
            content: "The newest entry comes first, with the balance after it",
            trigger:
                ".o_data_row:first td[name='running_balance']:contains('345.00')",
        },
        {
            content: "The oldest entry comes last, with its own balance",
            trigger: ".o_data_row:last td[name='running_balance']:contains('230.00')",
        },
        {
            content: "No row can be added, changed or deleted",
            trigger: ".o_list_view:not(:has(.o_list_button_add))",
        },
        {
            content: "An entry opens",
            trigger: ".o_data_row:last td[name='reference']",
            run: "click",
        },
        {
            content: "It says what it is and leads to its document",
            trigger: ".o_form_view button[name='action_open_document']",
            run: "click",
        },
        {
            content: "The invoice is on the screen",
            trigger: ".o_form_view div[name='invoice_date'], .o_form_view [name='name']",
        },
    ],
});

// From the invoice to its entry, and back to the invoice.
tours.add("subledger_invoice_entry_and_back", {
    steps: () => [
        {
            content: "One click from the invoice to its entry",
            trigger: "button[name='action_open_subledger_entries']",
            run: "click",
        },
        {
            content: "The entry is on the screen",
            trigger: ".o_form_view .o_field_widget[name='running_balance']",
        },
        {
            content: "One click back to the document",
            trigger: "button[name='action_open_document']",
            run: "click",
        },
        {
            content: "The invoice is back",
            trigger: ".o_form_view button[name='action_open_subledger_entries']",
        },
    ],
});

// From the settings to the manual items, by one click.
tours.add("subledger_manual_items", {
    steps: () => [
        {
            content: "The settings say how many manual items there are",
            trigger:
                "#subledger_manual_policy:contains('1 manual item, total $ 50.00, left out')",
        },
        {
            content: "One click opens them",
            trigger: "button[name='action_open_manual_items']",
            run: "click",
        },
        {
            content: "The item is listed, and that it has no entry",
            trigger:
                ".o_data_row:only-child td[name='subledger_manual']:contains('Left out')",
        },
    ],
});

// A new invoice, part of it paid on the spot.
tours.add("subledger_invoice_with_upfront_payment", {
    steps: () => [
        {
            content: "Choose the customer",
            trigger: ".o_field_widget[name='partner_id'] input",
            run: "edit partner_a",
        },
        {
            content: "It is in the list",
            trigger: ".ui-menu-item > a:contains('partner_a')",
            run: "click",
        },
        {
            content: "Add a line",
            trigger: "div[name='invoice_line_ids'] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            content: "Choose the product",
            trigger: ".o_selected_row div[name='product_id'] input",
            run: "edit product_a",
        },
        {
            content: "It is in the list",
            trigger: ".ui-menu-item > a:contains('product_a')",
            run: "click",
        },
        {
            content: "The total is there",
            trigger: ".o_field_widget[name='tax_totals']:contains('1,150.00')",
        },
        {
            content: "The customer pays some of it now",
            trigger: "div[name='upfront_payment_amount'] input",
            run: "edit 500 && click body",
        },
        {
            content: "Where the money went: proposed, and another one chosen",
            trigger: "div[name='upfront_payment_journal_id'] input",
            run: "edit Cash",
        },
        {
            content: "The cash register",
            trigger: ".ui-menu-item > a:contains('Cash')",
            run: "click",
        },
        {
            content: "Confirm",
            trigger: "button[name='action_post']:visible",
            run: "click",
        },
        {
            content: "The rest is due",
            trigger: ".o_field_widget[name='amount_residual']:contains('650.00')",
        },
        {
            content: "The payment is a click away",
            trigger: "div[name='upfront_payment_id'] a",
        },
    ],
});

// A backfill is chosen, previewed and started.
tours.add("subledger_backfill_with_preview", {
    steps: () => [
        {
            content: "A new backfill",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "The full history",
            trigger: "div[name='mode'] input[data-value='full']",
            run: "click",
        },
        {
            content: "Nothing can be started before it was looked at",
            trigger: ".o_form_view:not(:has(button[name='action_start']:visible))",
        },
        {
            content: "Preview",
            trigger: "button[name='action_preview']",
            run: "click",
        },
        {
            content: "What would be written for the customer",
            trigger:
                "div[name='balance_ids'] .o_data_row:contains('partner_b') td[name='to_write']:contains('345.00')",
        },
        {
            content: "By type of document",
            trigger: ".o_notebook_headers .nav-link[name='types']",
            run: "click",
        },
        {
            content: "Two sales in two instalments each",
            trigger:
                "div[name='type_ids'] .o_data_row td[name='entry_count']:contains('4')",
        },
        {
            content: "Start",
            trigger: "button[name='action_start']",
            run: "click",
        },
        {
            content: "Yes, entries are never deleted",
            trigger: ".modal:contains('never deleted') .modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "It works in the background and can be paused",
            trigger: "button[name='action_pause']",
        },
    ],
});

// The finished backfill.
tours.add("subledger_backfill_done", {
    steps: () => [
        {
            content: "All items are done",
            trigger: "div[name='progress']:contains('100')",
        },
        {
            content: "An entry for each instalment",
            trigger: "div[name='entry_count']:contains('4')",
        },
        {
            content: "Done",
            trigger: ".o_arrow_button_current:contains('Done')",
        },
    ],
});

const FILE = `invoiceNumber,customerID,InvoiceDate,DueDate,InvoiceAmount,SettledDate,Disputed
A1,C-1,1/13/2025,2/12/2025,100.00,2/20/2025,No
A2,C-2,13/45/2025,2/13/2025,50.50,1/14/2025,No
A3,C-1,1/15/2025,2/14/2025,-30.00,,Yes
`;

// A file with two bad rows is checked, its errors are read, the rest is imported.
tours.add("subledger_import_with_errors", {
    steps: () => [
        {
            content: "A new import",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Choose the file",
            trigger: ".o_field_widget[name='file'] input[type='file']:not(:visible)",
            run() {
                const transfer = new DataTransfer();
                transfer.items.add(new File([FILE], "year.csv", {type: "text/csv"}));
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
            content: "Two rows cannot be imported",
            trigger: ".alert:contains('2 lines cannot be imported') button",
            run: "click",
        },
        {
            content: "The first says what is wrong with its date",
            trigger: ".o_data_row:contains('13/45/2025') td[name='message']:contains('InvoiceDate')",
        },
        {
            content: "The other one what is wrong with its amount",
            trigger: ".o_data_row:last td[name='message']:contains('negative')",
        },
        {
            content: "Back to the import",
            trigger: ".breadcrumb-item a:contains('year.csv')",
            run: "click",
        },
        {
            content: "Import the row that is right",
            trigger: "button[name='action_start']:contains('Import')",
            run: "click",
        },
        {
            content: "It works in the background",
            trigger: ".alert:contains('Working in the background')",
        },
    ],
});

// In a narrow window lists become cards: no amount is out of sight.
tours.add("subledger_on_a_phone", {
    steps: () => [
        {
            content: "The customer with the balance",
            trigger: ".o_kanban_record:contains('partner_a'):contains('230.00')",
            run: "click",
        },
        {
            content: "What else there is about the customer",
            trigger: ".o_control_panel button:has(.fa-bolt)",
            run: "click",
        },
        {
            content: "All entries",
            trigger: "button[name='action_open_entries']",
            run: "click",
        },
        {
            content: "The invoice, its amount and the balance after it",
            trigger:
                ".o_kanban_record:contains('INV/'):contains('Debit') footer:contains('Balance'):contains('230.00')",
        },
    ],
});
