import argparse
import os

import numpy as np
import torch
from data.voclike import read_ids, read_image, to_input
from net.tiny import TinyNet
from torch.nn.functional import interpolate


def class_maps(model, image):
    both = torch.stack([image, image.flip(2)])
    maps = model(both)
    maps = maps[:1] + maps[1:].flip(3)
    maps = interpolate(maps, image.shape[1:], mode="bilinear", align_corners=False)
    maps = maps[0].clamp(min=0)
    return maps / (maps.amax(dim=(1, 2), keepdim=True) + 1e-5)


if __name__ == "__main__":
    cli = argparse.ArgumentParser()
    cli.add_argument("--voc_root", required=True)
    cli.add_argument("--labels", required=True)
    cli.add_argument("--split", default="train")
    cli.add_argument("--classes", default=3, type=int)
    cli.add_argument("--weights", required=True)
    cli.add_argument("--out_cam", required=True)
    args = cli.parse_args()

    labels = np.load(args.labels, allow_pickle=True).item()
    model = TinyNet(args.classes)
    model.load_state_dict(torch.load(args.weights, map_location="cpu"))
    model.eval()
    names = read_ids(args.voc_root, args.split)
    with torch.no_grad():
        for at, name in enumerate(names):
            maps = class_maps(model, to_input(read_image(args.voc_root, name))).numpy()
            cam = {int(c): maps[c] for c in np.flatnonzero(labels[name])}
            np.save(os.path.join(args.out_cam, name + ".npy"), cam)
            if (at + 1) % 20 == 0:
                print("cam %d/%d" % (at + 1, len(names)), flush=True)
