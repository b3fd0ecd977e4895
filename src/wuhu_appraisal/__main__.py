"""``python -m wuhu_appraisal`` is ``appraise``."""

import signal


def start() -> None:
    """Run the command line. Ctrl-C while it is still being loaded ends the process quietly."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from wuhu_appraisal.cli import main

    main(prog_name="appraise")


if __name__ == "__main__":
    start()
