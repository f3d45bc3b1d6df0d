import {AlertDialog} from "@web/core/confirmation_dialog/confirmation_dialog";
import {ConnectionLostError} from "@web/core/network/rpc";
import {_t} from "@web/core/l10n/translation";
import {patch} from "@web/core/utils/patch";
import OrderPaymentValidation from "@point_of_sale/app/utils/order_payment_validation";

patch(OrderPaymentValidation.prototype, {
    /**
     * Ask the server whether the customer may buy on account for that much now.
     *
     * @override
     */
    async askBeforeValidation() {
        if ((await super.askBeforeValidation(...arguments)) === false) {
            return false;
        }
        const partner = this.order.getPartner();
        const amount = this.getAmountOnAccount();
        if (!partner || amount <= 0) {
            return true;
        }
        const answer = await this.checkAccountSale(partner, amount);
        if (answer.approved) {
            return true;
        }
        this.pos.dialog.add(AlertDialog, {
            title: _t("Not on account"),
            body: answer.message,
        });
        return false;
    },

    getAmountOnAccount() {
        return this.paymentLines
            .filter((line) => line.payment_method_id.type === "pay_later")
            .reduce((total, line) => total + line.getAmount(), 0);
    },

    /**
     * What the sale settles of sales orders, where "pos_sale" is installed: it is owed
     * already and must not be counted twice.
     */
    getSettledOrders() {
        const downPaymentProduct = this.pos.config.down_payment_product_id;
        const settled = [];
        for (const line of this.order.lines) {
            const orderLine = line.sale_order_line_id;
            if (orderLine && !orderLine.is_downpayment) {
                settled.push({line_id: orderLine.id, quantity: line.getQuantity()});
            } else if (
                line.sale_order_origin_id &&
                line.product_id.id === downPaymentProduct?.id
            ) {
                settled.push({
                    order_id: line.sale_order_origin_id.id,
                    amount: line.priceIncl,
                });
            }
        }
        return settled;
    },

    async checkAccountSale(partner, amount) {
        try {
            return await this.pos.data.call("res.partner", "check_account_sale", [
                [partner.id],
                amount,
                this.pos.currency.id,
                this.getSettledOrders(),
            ]);
        } catch (error) {
            // A till goes on selling without the server; the sale is looked at later.
            if (error instanceof ConnectionLostError) {
                return {approved: true};
            }
            throw error;
        }
    },
});
