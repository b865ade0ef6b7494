"""`python -m builder` is `cotbuild`."""

from builder.cli import main

if __name__ == "__main__":
    main()
