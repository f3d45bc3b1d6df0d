# First, because documents inherit from it.
from . import credit_checkpoint
from . import credit_checkpoint_gauge
from . import credit_checkpoint_release

from . import account_move
from . import account_move_line_payment
from . import account_move_payment
from . import account_payment
from . import credit_authority
from . import credit_discount_limit
from . import credit_exposure
from . import credit_exposure_decision
from . import credit_exposure_overdue
from . import credit_exposure_sources

# After the sources, which it extends
from . import credit_exposure_pos
from . import credit_group
from . import credit_group_grant
from . import credit_hold
from . import credit_hold_decision
from . import credit_hold_guard
from . import credit_limit
from . import credit_limit_in_force
from . import credit_recheck
from . import credit_rule
from . import product_product
from . import product_product_price
from . import product_product_promotion
from . import res_company
from . import res_config_settings
from . import res_partner
from . import res_partner_account_sale
from . import res_partner_credit_limit
from . import sale_order
from . import sale_order_allocation
from . import sale_order_api
from . import sale_order_discount
from . import sale_order_figures
from . import sale_order_line
from . import sale_order_line_allocation
from . import sale_order_line_discount
from . import sale_order_release
from . import stock_move
from . import stock_move_line
from . import stock_picking
from . import stock_picking_release
