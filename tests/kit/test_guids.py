"""Names that never come twice, in whatever process and thread."""

import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

from app.kit.guids import new_guid
from tests.processes import ROOT

FORKS = """
import os
from app.kit.guids import new_guid
new_guid()
child = os.fork()
names = [new_guid() for _ in range(50)]
if child:
    os.waitpid(child, 0)
print(*names, flush=True)
"""


def test_a_name_is_a_random_guid() -> None:
    names = [new_guid() for _ in range(1_000)]

    read = [uuid.UUID(name) for name in names]
    assert [str(one) for one in read] == names
    assert {(one.version, one.variant) for one in read} == {(4, uuid.RFC_4122)}


def test_no_two_are_alike_whichever_threads_make_them() -> None:
    with ThreadPoolExecutor(8) as several:
        names = list(several.map(lambda _: new_guid(), range(20_000)))

    assert len(set(names)) == len(names)


def test_a_process_that_is_forked_off_makes_others() -> None:
    # Apart from the tests' own threads, which a fork would leave behind.
    done = subprocess.run([sys.executable, "-c", FORKS], cwd=ROOT, capture_output=True, text=True, check=True)

    names = done.stdout.split()
    assert len(names) == len(set(names)) == 2 * 50
