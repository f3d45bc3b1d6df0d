from . import test_command
from . import test_faults
from . import test_heal
from . import test_jobs
from . import test_partner
from . import test_runs
from . import test_security
from . import test_tours
