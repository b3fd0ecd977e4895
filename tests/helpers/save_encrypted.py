"""Have LibreOffice save a workbook under a password: run by a Python that has its bridge.

Takes the program, the workbook, the password, and where to save it, in the format of each ending.
"""

import sys
import tempfile
from pathlib import Path

import uno  # type: ignore[import-not-found]
from com.sun.star.beans import NamedValue, PropertyValue  # type: ignore[import-not-found]
from fill_in import FILTERS, connected  # type: ignore[import-not-found]


def main(program: str, source: str, password: str, *targets: str) -> None:
    with tempfile.TemporaryDirectory() as profile:
        process, desktop = connected(program, profile)
        try:
            hidden = PropertyValue(Name="Hidden", Value=True)
            book = desktop.loadComponentFromURL(Path(source).as_uri(), "_blank", 0, (hidden,))
            about = (NamedValue("OOXPassword", password), NamedValue("CryptoType", "Standard"))
            for target in targets:
                how = PropertyValue(Name="Password", Value=password)
                if target.endswith("xlsx"):
                    given = uno.Any("[]com.sun.star.beans.NamedValue", about)
                    how = PropertyValue(Name="EncryptionData", Value=given)
                name = PropertyValue(Name="FilterName", Value=FILTERS[target.rpartition(".")[2]])
                book.storeToURL(Path(target).as_uri(), (name, how))
            book.close(True)
        finally:
            desktop.terminate()
            process.wait(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
