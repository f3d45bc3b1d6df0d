from . import test_allocate_inventory
from . import test_api_json2
from . import test_check_availability
from . import test_discount_limit
from . import test_item_price
from . import test_line_total
from . import test_order_hold
from . import test_overpayment
