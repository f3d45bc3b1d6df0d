import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

// From the contact: its balance is checked and confirmed.
tours.add("balance_guard_verify_contact", {
    steps: () => [
        {
            content: "One click on the contact checks its balance",
            trigger: "button[name='action_verify_balance']",
            run: "click",
        },
        {
            content: "It is confirmed in words",
            trigger: ".o_notification:contains('The balances are right')",
        },
    ],
});

// Somebody changed the database: found, understood, tried, healed.
tours.add("balance_guard_heal_tampering", {
    steps: () => [
        {
            content: "Nothing was checked yet",
            trigger: ".o_kanban_record:contains('Not checked yet')",
        },
        {
            content: "Check now",
            trigger: ".o_kanban_record button[name='action_run_now']",
            run: "click",
        },
        {
            content: "The run shows what it found",
            trigger: ".o_form_view .o_data_row:contains('Stale cached value')",
        },
        {
            content: "All partners were looked at",
            trigger: ".o_field_widget[name='partners_text']:contains('All')",
        },
        {
            content: "Its findings",
            trigger: "button[name='action_open_findings']",
            run: "click",
        },
        {
            content: "One finding opens",
            trigger: ".o_list_view.o_action .o_data_row td[name='cause_code']",
            run: "click",
        },
        {
            content: "It tells what should be there and what is",
            trigger: ".o_field_widget[name='story']:contains('Expected')",
        },
        {
            content: "Try without changing anything",
            trigger: "button[name='action_heal_dry_run']",
            run: "click",
        },
        {
            content: "The healing log says what would be done",
            trigger: ".o_data_row:contains('Dry run')",
        },
        {
            content: "Back to the finding",
            trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item.o_back_button a",
            run: "click",
        },
        {
            content: "Heal it",
            trigger: "button[name='action_heal']",
            run: "click",
        },
        {
            content: "It was healed",
            trigger: ".o_data_row td[name='state']:contains('Healed')",
        },
        {
            content: "Back to the finding",
            trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item.o_back_button a",
            run: "click",
        },
        {
            content: "There is nothing left to decide",
            trigger: ".o_form_view:not(:has(button[name='action_heal']))",
        },
        {
            content: "The finding says so",
            trigger: ".o_arrow_button_current:contains('Healed')",
        },
    ],
});
