from . import test_receivables_csv
