"""How long other requests wait beside twenty checks of a graph of 5,000 nodes: alone, and while a prompt samples.

Run it:  python armature.py test tests/bench/bench_routes.py -s
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.request import Request, urlopen

import pytest
from armature_pack.tests.bench.bench_check import chained
from armature_pack.tests.host.test_compatibility import graph

pytestmark = [pytest.mark.bench, pytest.mark.host]

CHECKS = 20


def seconds(address: str) -> float:
    start = time.perf_counter()
    with urlopen(address, timeout=300) as answer:
        answer.read()
    return time.perf_counter() - start


@pytest.mark.parametrize("samples", [False, True], ids=["idle", "sampling"])
def test_other_requests_beside_checks(server, capsys, samples):
    body = json.dumps({"prompt": chained("samplers", 5000)}).encode()

    def check() -> None:
        request = Request(f"{server.address}/armature/compatibility", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=600) as answer:
            answer.read()

    check()
    for path in ("/", "/queue"):
        alone = statistics.median(seconds(server.address + path) for _ in range(20))
        stop = threading.Event()

        def sample(stop=stop) -> None:
            number = 0
            while not stop.is_set():
                number += 1
                server.run(graph(server, Sampler__steps=4, Sampler__seed=number), timeout=600)

        with ThreadPoolExecutor(CHECKS + 1) as pool:
            running = pool.submit(sample) if samples else None
            checks = [pool.submit(check) for _ in range(CHECKS)]
            waited = []
            while not all(one.done() for one in checks):
                waited.append(seconds(server.address + path))
            stop.set()
            for one in checks:
                one.result()
            if running is not None:
                running.result()
        waited.sort()
        late = waited[min(len(waited) - 1, int(len(waited) * 0.99))]
        with capsys.disabled():
            print(
                f"\nGET {path}, {'sampling' if samples else 'idle'}: alone {alone:.4f} s; beside {CHECKS} checks median "
                f"{statistics.median(waited):.3f} s, 99 % {late:.3f} s, most {waited[-1]:.3f} s of {len(waited)}"
            )
