"""Odoo's command as a file.

A server with workers starts its companion for the bus by calling again the file it was
started from; it cannot do that after ``python -m odoo``, and would try for ever.
"""

from odoo.cli import main

if __name__ == "__main__":
    main()
