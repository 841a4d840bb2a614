"""``python -m erranal`` is the command line."""

from erranal.cli import main

if __name__ == "__main__":
    main()
