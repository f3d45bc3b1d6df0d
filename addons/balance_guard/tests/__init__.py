from . import test_faults
from . import test_runs
