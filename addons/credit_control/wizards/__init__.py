from . import account_payment_register
from . import credit_hold_decision
