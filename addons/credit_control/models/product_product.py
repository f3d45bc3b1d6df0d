from odoo import api, models
from odoo.exceptions import UserError

from .. import arguments

# Where goods are kept or on their way; elsewhere stock means nothing.
STOCK_USAGES = ("internal", "transit", "view")


class ProductProduct(models.Model):
    _inherit = "product.product"

    # ------------------------------------------------------------
    # AVAILABILITY
    # ------------------------------------------------------------

    @api.readonly
    def check_availability(self, location_id, required_qty):
        """Tell whether a quantity of this product can be taken from a location.

        :param int location_id: a ``stock.location``; the locations below it count too,
            so that a warehouse's view location answers for the whole warehouse
        :param float required_qty: in the product's unit of measure, greater than zero
        :return: ``available`` (bool), ``available_qty`` (free: on hand less reserved),
            ``on_hand``, ``reserved``, ``required_qty``, ``shortage`` (0 if available),
            ``uom``, ``tracked`` (False for services and goods that are not kept in
            stock, which are always available) and ``message``. All quantities are in
            the product's unit of measure.
        :rtype: dict
        :raises UserError: for a quantity that is no number above zero or rounds to
            zero, several products, or a location that is not a place for stock
        :raises MissingError: if the product or the location does not exist
        :raises AccessError: if the user may not read them
        """
        arguments.check_internal(self.env)
        product = arguments.single(self, self.env._("product"))
        location = product._check_stock_location(location_id)
        required = product._check_required_quantity(required_qty)
        on_hand, reserved = product._get_stock_in(location)
        return product._prepare_availability(location, required, on_hand, reserved)

    def _check_stock_location(self, location_id):
        label = self.env._("location")
        location = arguments.record(self.env, "stock.location", location_id, label)
        if location.usage not in STOCK_USAGES:
            raise UserError(
                self.env._(
                    "%(location)s is not a place where stock is kept. Choose an "
                    "internal location or a warehouse's view location.",
                    location=location.display_name,
                )
            )
        return location

    def _check_required_quantity(self, required_qty):
        label = self.env._("Required quantity")
        required = arguments.positive(self.env, required_qty, label)
        if self.uom_id.is_zero(required):
            raise UserError(
                self.env._(
                    "%(quantity)s is less than the smallest quantity in %(uom)s.",
                    quantity=required_qty,
                    uom=self.uom_id.name,
                )
            )
        return required

    def _get_stock_in(self, location):
        """Return (on hand, reserved) in ``location`` and below, in the product's unit.

        Only the location narrows the figures: keys like ``lot_id`` or ``to_date``
        that a client put in the context would silently change what "on hand" means.
        """
        product = arguments.plain(self).with_context(location=location.id)
        if not product._is_kept_in_stock():
            return 0.0, 0.0
        return product.qty_available, product.qty_available - product.free_qty

    def _is_kept_in_stock(self):
        """Whether quantities limit what can be had: kits have those of their parts."""
        is_kit = "is_kits" in self._fields and self.is_kits
        return self.is_storable or is_kit

    def _prepare_availability(self, location, required, on_hand, reserved):
        uom = self.uom_id
        free = uom.round(on_hand - reserved)
        tracked = self._is_kept_in_stock()
        available = not tracked or uom.compare(free, required) >= 0
        shortage = 0.0 if available else uom.round(required - max(free, 0.0))
        values = {
            "available": available,
            "available_qty": free,
            "on_hand": on_hand,
            "reserved": uom.round(reserved),
            "required_qty": required,
            "shortage": shortage,
            "uom": uom.name,
            "tracked": tracked,
        }
        return {**values, "message": self._get_availability_message(values, location)}

    def _get_availability_message(self, values, location):
        if not values["tracked"]:
            return self.env._(
                "%(product)s is not kept in stock and always available.",
                product=self.display_name,
            )
        placeholders = {
            "product": self.display_name,
            "location": location.display_name,
            "free": values["available_qty"],
            "required": values["required_qty"],
            "shortage": values["shortage"],
            "uom": values["uom"],
        }
        if values["available"]:
            return self.env._(
                "%(free)s %(uom)s of %(product)s are free in %(location)s, "
                "%(required)s are needed.",
                **placeholders,
            )
        return self.env._(
            "Only %(free)s %(uom)s of %(product)s are free in %(location)s: "
            "%(shortage)s short of %(required)s.",
            **placeholders,
        )
