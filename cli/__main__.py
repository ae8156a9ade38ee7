"""`python -m cli` is `headwater`."""

from cli import main

main()
