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


#: Prints the megabytes held more with many small pieces, and after all but a few of them were freed and given back.
_SCATTERED = """
import json, os
from qareport.web.serving import give_memory_back, trim

def held():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20

give_memory_back()
before, pieces = held(), [b"x" * 20_000 for _ in range(3_000)]
grown, pieces = held() - before, pieces[::100]  # the heap ends with one that stays
trim()
print(json.dumps([grown, held() - before]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc has this function")
def test_what_was_freed_between_other_things_goes_back_too() -> None:
    done = subprocess.run([sys.executable, "-c", _SCATTERED], capture_output=True, text=True, check=True)
    grown, kept = json.loads(done.stdout)
    assert grown >= 50
    assert kept <= 10


#: Prints how many objects the collector walks through before and after the process settles.
_SETTLED = """
import gc, json
from qareport.web.app import create_app
from qareport.web.serving import settle

before = len(gc.get_objects())
settle()
print(json.dumps([before, len(gc.get_objects())]))
"""


def test_the_collector_does_not_walk_through_the_program_again_and_again() -> None:
    done = subprocess.run([sys.executable, "-c", _SETTLED], capture_output=True, text=True, check=True)
    before, after = json.loads(done.stdout)
    assert before > 50_000
    assert after < before / 20
