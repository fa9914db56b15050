"""``python -m disclose`` is the command ``disclose``."""

from disclose.cli import main

if __name__ == "__main__":
    main()
