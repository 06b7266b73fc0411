"""Processes that train together: the mean of their gradients, the sum of their time, the first one first."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import torch
from armature_pack.tools.demo_training.training import processes

ROOT = Path(__file__).resolve().parents[4]
MEMBER = """
import sys, types
pack = types.ModuleType("armature_pack"); pack.__path__ = [sys.argv[1]]; sys.modules["armature_pack"] = pack
import torch
from armature_pack.tools.demo_training.training import processes
processes.join()
weights = [torch.nn.Parameter(torch.zeros(2, 3)), torch.nn.Parameter(torch.zeros(4))]
(weights[0].sum() * (processes.rank() + 1) + weights[1].sum() * 10 * processes.rank()).backward()
processes.average_gradients(weights)
made = processes.leader_first(lambda: print("made", processes.rank(), flush=True) or "made")
print(weights[0].grad[0, 0].item(), weights[1].grad[0].item(), processes.total(0.5), processes.size(), made, flush=True)
"""


def test_two_processes_take_one_step():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    about = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    members = [
        subprocess.Popen(
            [sys.executable, "-c", MEMBER, str(ROOT)],
            env=os.environ | about | {"RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said = [member.communicate(timeout=120)[0].splitlines() for member in members]
    assert [member.returncode for member in members] == [0, 0]
    assert said == [[f"made {rank}", "1.5 5.0 1.0 2 made"] for rank in range(2)]


def test_a_process_alone_is_left_alone():
    weight = torch.nn.Parameter(torch.zeros(3))
    weight.sum().backward()
    processes.join()
    processes.average_gradients([weight])
    assert weight.grad is not None
    assert weight.grad.tolist() == [1, 1, 1]
    assert (processes.rank(), processes.size(), processes.total(2.0)) == (0, 1, 2.0)
