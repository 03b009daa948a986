import argparse
from pathlib import Path

import numpy as np
import torch
from fcn import FCN
from PIL import Image
from segdata import ids_of, pixels_of

options = argparse.ArgumentParser()
options.add_argument("--root", required=True)
options.add_argument("--period", default="val")
options.add_argument("--model", required=True)
options.add_argument("--results", required=True)
opt = options.parse_args()

saved = torch.load(opt.model, map_location="cpu")
net = FCN(saved["labels"])
net.load_state_dict(saved["net"])
net.eval()
Path(opt.results).mkdir(parents=True, exist_ok=True)
ids = ids_of(opt.root, opt.period)
with torch.no_grad():
    for name in ids:
        pixels = pixels_of(opt.root, name)[None]
        scores = net(pixels).softmax(1) + net(pixels.flip(3)).flip(3).softmax(1)
        label = scores[0].argmax(0).numpy().astype(np.uint8)
        Image.fromarray(label).save(Path(opt.results, name + ".png"))
print("predicted %d images" % len(ids))
