from . import credit_discount_limit
from . import product_product
from . import product_product_price
from . import product_product_promotion
from . import sale_order_allocation
from . import sale_order_discount
from . import sale_order_line_allocation
from . import sale_order_line_discount
