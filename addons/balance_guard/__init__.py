from . import models
from . import checks
