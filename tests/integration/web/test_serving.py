"""The processes of the desk give back what they do not use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

#: Prints whether the allocator could be asked, and the megabytes held more: with buffers, and after they were freed.
_CODE = """
import json, os
from qareport.web.processes import give_memory_back

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
from qareport.web.processes import give_memory_back, trim

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


#: Prints how many heaps there are while a dozen threads have asked for memory.
_HEAPS = """
import ctypes, json, sys, threading
from qareport.web.processes import share_heaps

libc, path = ctypes.CDLL(None), sys.argv[1].encode()
libc.fopen.restype = ctypes.c_void_p

def ask():
    kept = [b"x" * 20_000 for _ in range(10)]
    asked.wait()
    counted.wait()

given = share_heaps()
asked, counted = threading.Barrier(13), threading.Barrier(13)
for _ in range(12):
    threading.Thread(target=ask).start()
asked.wait()
file = ctypes.c_void_p(libc.fopen(path, b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
counted.wait()
print(json.dumps([given, open(path).read().count("<heap nr=")]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc has these functions")
def test_the_threads_of_the_worker_share_two_heaps(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HEAPS, str(tmp_path / "heaps.xml")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [True, 2]


#: Prints by how many megabytes a process grows in which layers as the model has them meet four hundred lengths.
_LENGTHS = """
import json
from pathlib import Path
from qareport.asr.sensevoice import PackedLinear
from qareport.web.worker import keep_few_kernels

def held_mb():
    status = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line.split()[1] for line in status if line.startswith("VmRSS"))) / 1024

keep_few_kernels()
import torch

torch.set_num_threads(1)
memory = torch.nn.Conv1d(512, 512, 11, groups=512, bias=False)
linear = PackedLinear(torch.nn.Linear(512, 512))
grown = []
with torch.inference_mode():
    for layer, sound in ((memory, lambda length: torch.zeros(1, 512, length)),
                         (linear, lambda length: torch.zeros(1, length, 512))):
        layer(sound(50))
        before = held_mb()
        for length in range(60, 460):
            layer(sound(length))
        grown.append(held_mb() - before)
print(json.dumps(grown))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel says there what a process holds")
def test_the_worker_does_not_grow_with_each_new_length_of_sound() -> None:
    done = subprocess.run([sys.executable, "-c", _LENGTHS], capture_output=True, text=True, check=True)
    memory, linear = json.loads(done.stdout)
    assert memory < 80  # 230 where all that is compiled is kept
    assert linear < 160  # 290 where it is
