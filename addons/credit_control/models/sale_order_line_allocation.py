from odoo import models
from odoo.tools import float_round


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _get_moves_to_allocate(self):
        """Moves still to be done that bring goods of these lines to the customer.

        With deliveries in several steps goods are reserved for one step at a time, so
        the quantities of all open steps together are what is reserved.
        """
        return self.move_ids.filtered(
            lambda move: move.state not in ("draft", "done", "cancel")
            and move.location_id.usage != "customer"
            and move.location_dest_usage != "inventory"
        )

    def _get_allocated_quantity(self):
        """Quantity reserved now, in the line's unit of measure."""
        self.ensure_one()
        moves = self._get_moves_to_allocate()
        if moves.product_id - self.product_id:
            return self._get_allocated_kits(moves)
        return sum(
            move.product_uom._compute_quantity(
                move.quantity, self.product_uom_id, rounding_method="HALF-UP"
            )
            for move in moves
        )

    def _get_allocated_kits(self, moves):
        """Whole kits reserved, in the line's unit: the scarcest component decides."""
        shares = [
            sum(of_product.mapped("quantity")) / sum(of_product.mapped("product_qty"))
            for of_product in moves.grouped("product_id").values()
            if sum(of_product.mapped("product_qty"))
        ]
        line_uom, kit_uom = self.product_uom_id, self.product_id.uom_id
        needed = line_uom._compute_quantity(self._get_undelivered_quantity(), kit_uom)
        kits = needed * min(shares, default=0.0)
        # As Odoo counts kits on hand: half a kit is none
        kits = float_round(kits, precision_digits=0, rounding_method="DOWN")
        return kit_uom._compute_quantity(kits, line_uom, rounding_method="HALF-UP")

    def _get_undelivered_quantity(self):
        return max(self.product_uom_qty - self.qty_delivered, 0.0)

    def _prepare_allocation_detail(self, line_number):
        """One item of the answer of :meth:`sale.order.allocate_inventory`."""
        self.ensure_one()
        # Reserved quantities are read from moves that salespeople may not all see.
        line_sudo = self.sudo()
        needed = line_sudo._get_undelivered_quantity()
        allocated = line_sudo._get_allocated_quantity()
        is_goods = self.product_id.type == "consu"
        return {
            "line_number": line_number,
            "item": self.product_id.display_name,
            "success": not is_goods
            or self.product_uom_id.compare(allocated, needed) >= 0,
            "allocated_qty": allocated,
            "message": line_sudo._get_allocation_message(allocated, needed),
        }

    def _get_allocation_message(self, allocated, needed):
        uom = self.product_uom_id
        values = {"allocated": allocated, "needed": needed, "uom": uom.name}
        if self.product_id.type != "consu":
            return self.env._("Nothing to allocate: not a physical product")
        if uom.is_zero(needed):
            return self.env._("Nothing to allocate: everything is delivered")
        if not self._get_moves_to_allocate():
            return self.env._("No open transfer delivers this line")
        if uom.is_zero(allocated):
            return self.env._("Nothing allocated of %(needed)s %(uom)s", **values)
        if uom.compare(allocated, needed) < 0:
            message = self.env._(
                "Only %(allocated)s of %(needed)s %(uom)s allocated", **values
            )
        else:
            message = self.env._(
                "Successfully allocated %(allocated)s %(uom)s", **values
            )
        return message + self._get_allocated_lots_text()

    def _get_allocated_lots_text(self):
        """Lots and serial numbers reserved, as end of a sentence; else empty."""
        move_lines = self._get_moves_to_allocate().move_line_ids
        lots = ", ".join(
            f"{lot.name} ({sum(lines.mapped('quantity')):g})"
            for lot, lines in move_lines.grouped("lot_id").items()
            if lot
        )
        return self.env._(" from lots %(lots)s", lots=lots) if lots else ""
