"""`python -m headrace`, as child processes are started."""

from headrace.cli import main

if __name__ == "__main__":
    main()
