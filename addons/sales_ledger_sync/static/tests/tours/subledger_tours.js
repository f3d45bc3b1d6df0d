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
