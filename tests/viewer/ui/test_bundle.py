"""What imgui-bundle imports for others alone is not imported with it."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from viewer.ui.bundle import import_bundle
CALL
import glfw
from imgui_bundle import imgui
print(sorted({"cffi", "pycparser"} & set(sys.modules)))
import cffi
print(cffi.FFI().sizeof("int"), callable(glfw.create_window_surface) and bool(imgui.get_version()))
"""


def lines(call: str) -> list[str]:
    command = [sys.executable, "-c", CODE.replace("CALL", call)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def test_no_parser_of_c_is_imported_with_it_and_cffi_can_be_imported_afterwards() -> None:
    assert lines("import_bundle()") == ["[]", "4 True"]
    assert lines("import imgui_bundle")[0] == "['cffi', 'pycparser']", "else this is needed no more"


def test_who_has_imported_cffi_keeps_it() -> None:
    assert lines("import cffi; import_bundle()")[0] == "['cffi', 'pycparser']"
