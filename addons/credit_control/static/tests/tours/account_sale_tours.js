import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

// The utilities of the point of sale are not there where it is not installed.
const click = (trigger) => ({trigger, run: "click"});

const payOnAccount = [
    click("article.product .product-name:contains('Lamp on account')"),
    click(".product-screen .set-partner"),
    click(".modal .partner-list b:contains('AAA On Account')"),
    {trigger: ".product-screen .set-partner:contains('AAA On Account')"},
    click(".product-screen .pay-order-button"),
    click(".paymentmethods .paymentmethod .payment-name:contains('Customer Account')"),
    click(".payment-screen button.validation-button.next"),
];

tours.add("credit_account_sale_is_refused", {
    steps: () => [
        click(".screen-login .btn.open-register-btn"),
        click(".modal .modal-footer .btn-primary:contains('Open Register')"),
        ...payOnAccount,
        {
            content: "The cashier learns the decision, not what the customer owes",
            trigger:
                ".modal:contains('Not on account'):contains('credit control')" +
                ":not(:contains('50.00'))",
        },
        click(".modal .modal-footer .btn-primary"),
        {
            content: "Nothing is sold, another way to pay can be chosen",
            trigger: ".payment-screen",
        },
    ],
});

tours.add("credit_account_sale_is_sold", {
    steps: () => [
        click(".screen-login .btn.open-register-btn"),
        ...payOnAccount,
        {trigger: ".receipt-screen"},
    ],
});

tours.add("credit_order_is_settled_on_account", {
    steps: () => [
        click(".screen-login .btn.open-register-btn"),
        click(".modal .modal-footer .btn-primary:contains('Open Register')"),
        click(".more-btn"),
        click(".control-buttons button:contains('Quotation/Order')"),
        click(".modal:not(.o_inactive_modal) tr.o_data_row td:contains('On Account')"),
        click(".modal:not(.o_inactive_modal) .selection-item:contains('Settle')"),
        {trigger: "body:not(:has(.modal)) .order-container:contains('Lamp on order')"},
        click(".product-screen .pay-order-button"),
        click(
            ".paymentmethods .paymentmethod .payment-name:contains('Customer Account')"
        ),
        click(".payment-screen button.validation-button.next"),
        {trigger: ".receipt-screen"},
    ],
});
