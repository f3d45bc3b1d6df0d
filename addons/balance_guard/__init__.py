from . import models
from . import checks
from .hooks import uninstall_hook
