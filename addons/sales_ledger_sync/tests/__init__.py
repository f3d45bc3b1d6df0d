from . import test_open_credit
from . import test_overdue
from . import test_receivables_csv
from . import test_record_payment
from . import test_record_payment_api
from . import test_upfront_payment
