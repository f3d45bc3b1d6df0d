from . import cached_balance
from . import chain
from . import completeness
from . import control_account
from . import general_ledger
from . import inventory
from . import reconciliation
