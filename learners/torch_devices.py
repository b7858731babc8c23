"""Where tensors live, and what makes the same log give the same bytes there.

One torch thread: sums then have one order. This is a property of the process, so it is set when a learner is made,
never at import.
"""

from __future__ import annotations

import torch


def deterministic_device(name: str) -> torch.device:
    """The device of a name, after the process was set to deterministic kernels."""
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise RuntimeError(
            f"device {name!r} was asked for, but torch {torch.__version__} sees no GPU: drivers may be missing, or the"
            ' build is for CPUs only. Set `device = "cpu"`, or see `nvidia-smi`.'
        )
    torch.set_num_threads(1)
    if device.type == "cuda":
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cuda.matmul.allow_tf32 = False
    return device
