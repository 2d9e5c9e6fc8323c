"""The process that serves the desk gives back what it does not use."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

#: Prints whether the allocator could be asked, and the megabytes held more: with buffers, and after they were freed.
_CODE = """
import json, os
from qareport.web.serving import give_memory_back

def held():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20

given = give_memory_back()
large = b"x" * (30 << 20)
del large  # from then on glibc puts what is smaller into the heap
before, buffers = held(), [b"x" * (1 << 20) for _ in range(60)]
grown, last = held() - before, b"x" * 300_000  # here the heap would end
buffers.clear()
print(json.dumps([given, grown, held() - before]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc has this setting")
def test_freed_buffers_go_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, check=True)
    given, grown, kept = json.loads(done.stdout)
    assert given
    assert grown >= 50
    assert kept <= 5
