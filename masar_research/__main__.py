"""``python -m masar_research TASK``: what `make TASK` does, on any system."""

import sys

from masar_research import bootstrap


def main() -> int:
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        bootstrap.usage()
        return 0
    try:
        return bootstrap.perform(arguments[0], arguments[1:])
    except KeyboardInterrupt:
        bootstrap.say("stopped · توقف العمل.")
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
