from . import account_move_credit
from . import account_move_overdue
from . import account_move_payment
from . import account_move_settlement
from . import account_move_upfront
from . import res_company
