from . import account_merge_wizard
from . import base_module_uninstall
from . import base_partner_merge
