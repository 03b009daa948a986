"""Collect drawn predictions of VOC's usual size with mmseg's own code; print the memory it took.

Runs in the method's environment, with mmseg importable: COUNT FOLDER [--format-only]. The network
draws probabilities; what it does with them (a PNG per picture, a prediction per picture) is
upstream's. Prints a JSON object of bytes: `before` and `peak` are resident memory, `data` is the
size of all predictions.
"""

import json
import re
import sys
from pathlib import Path

import torch
from mmcv import Config
from mmcv.parallel import MMDistributedDataParallel
from mmseg.apis.test import multi_gpu_test
from mmseg.models.segmentors import EncoderDecoder

SIZE = (375, 500)  # height, width
INTEGER = 8  # bytes of a predicted label


class Drawn(EncoderDecoder):
    """Draws the probabilities of each picture from its number."""

    def __init__(self, folder: str) -> None:
        torch.nn.Module.__init__(self)
        self.test_cfg = Config({"crf": False, "pred_output_path": folder})

    def inference(self, _, metas, __):
        number = int(Path(metas[0]["filename"]).stem)
        coarse = torch.rand(1, 21, 12, 16, generator=torch.Generator().manual_seed(number))
        return torch.nn.functional.interpolate(coarse, size=SIZE)


class Loader:
    """Two augmentations of each picture, as of scales and flips."""

    def __init__(self, count: int) -> None:
        self.dataset = range(count)

    def __iter__(self):
        for number in self.dataset:
            meta = [
                {
                    "filename": f"{number}.jpg",
                    "ori_shape": SIZE,
                    "img_shape": SIZE,
                    "pad_shape": SIZE,
                }
            ]
            yield {"img": [torch.zeros(1, 3, 8, 8)] * 2, "img_metas": [meta] * 2}


def resident(kind: str) -> int:
    """VmRSS (now) or VmHWM (the peak), in bytes. Unlike getrusage's, it is this program's alone."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"^{kind}:\s+(\d+) kB", status, re.MULTILINE)[1])


torch.distributed.init_process_group("gloo", init_method="env://")
count, folder = int(sys.argv[1]), sys.argv[2]
model = MMDistributedDataParallel(Drawn(folder), device_ids=[0])
before = resident("VmRSS")
multi_gpu_test(model, Loader(count), "collected")
found = {"before": before, "peak": resident("VmHWM"), "data": count * SIZE[0] * SIZE[1] * INTEGER}
print("\n" + json.dumps(found))
