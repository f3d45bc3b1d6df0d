import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

// The salesperson confirms an order above the limit.
tours.add("credit_order_is_held", {
    steps: () => [
        {
            content: "Confirm",
            trigger: "button[name='action_confirm']:visible",
            run: "click",
        },
        {
            content: "It is on hold, and the amounts tell why",
            trigger: ".alert-danger:contains('On credit hold'):contains('1,234.00')",
        },
        {
            content: "It is still a quotation",
            trigger: ".o_arrow_button_current:contains('Quotation')",
        },
        {
            content: "The hold is a click away",
            trigger: "button[name='action_open_credit_holds']",
            run: "click",
        },
        {
            content: "Releasing is for others",
            trigger: ".o_form_view:not(:has(.btn:contains('Release'):visible)) h1",
        },
    ],
});

// Somebody with authority releases the hold, with a reason.
tours.add("credit_hold_is_released", {
    steps: () => [
        {
            content: "The hold waits",
            trigger: ".o_kanban_record:contains('Customer'):contains('234.00')",
            run: "click",
        },
        {
            content: "Release it",
            trigger: ".o_form_view .o_statusbar_buttons button:contains('Release')",
            run: "click",
        },
        {
            content: "Say why",
            trigger: ".modal div[name='reason'] :is(input, textarea)",
            run: "edit Paid by Friday, they said on the phone",
        },
        {
            content: "Release",
            trigger: ".modal button[name='action_apply']:visible",
            run: "click",
        },
        {
            content: "It is released, and the reason is kept",
            trigger:
                ".o_form_view:has(.o_arrow_button_current:contains('Released')) div[name='release_reason']:contains('Paid by Friday')",
        },
    ],
});

// Nothing holds the order any more.
tours.add("credit_order_goes_on", {
    steps: () => [
        {
            content: "No word of a hold",
            trigger:
                ".o_form_view:not(:has(.alert-danger:visible)) button[name='action_confirm']:visible",
            run: "click",
        },
        {
            content: "It is a sales order now",
            trigger: ".o_arrow_button_current:contains('Sales Order')",
        },
    ],
});

// The goods leave the house.
tours.add("credit_order_is_delivered", {
    steps: () => [
        {
            content: "Nothing forbids it",
            trigger:
                ".o_form_view:not(:has(.alert-danger:visible)) button[name='button_validate']:visible",
            run: "click",
        },
        {
            content: "Done",
            trigger: ".o_arrow_button_current:contains('Done')",
        },
    ],
});

// The customer pays an invoice.
tours.add("credit_invoice_is_paid", {
    steps: () => [
        {
            content: "Register the payment",
            trigger: "button[name='action_register_payment']:visible",
            run: "click",
        },
        {
            content: "Of the whole amount",
            trigger: ".modal button[name='action_create_payments']:visible",
            run: "click",
        },
        {
            content: "Paid",
            trigger: ".o_widget_web_ribbon .ribbon:contains('Paid')",
        },
    ],
});
