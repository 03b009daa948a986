import argparse
import os

import numpy as np
from PIL import Image

STEPS = [(dy, dx) for dy in (-2, -1, 0, 1, 2) for dx in (-2, -1, 0, 1, 2)]


def voc_file(root, folder, name):
    return os.path.join(root, folder, name)


def moved(array, dy, dx):
    high, wide = array.shape[:2]
    rows = np.clip(np.arange(high) + dy, 0, high - 1)
    columns = np.clip(np.arange(wide) + dx, 0, wide - 1)
    return array[rows][:, columns]


def smooth(scores, pixels, rounds, tolerance):
    """Let pixels take over the scores of neighbours of like colour."""
    colour = pixels.astype(np.float64)
    weights = []
    for dy, dx in STEPS:
        apart = np.abs(moved(colour, dy, dx) - colour).mean(axis=2)
        weights.append(np.exp(-apart / tolerance)[:, :, None])
    for _ in range(rounds):
        mixed = sum(w * moved(scores, *step) for w, step in zip(weights, STEPS))
        scores = mixed / sum(weights)
    return scores


if __name__ == "__main__":
    cli = argparse.ArgumentParser()
    cli.add_argument("--voc_root", required=True)
    cli.add_argument("--cam_dir", required=True)
    cli.add_argument("--alpha", default=2.0, type=float)
    cli.add_argument("--rounds", default=8, type=int)
    cli.add_argument("--tolerance", default=12.0, type=float)
    cli.add_argument("--out_pseudo", required=True)
    args = cli.parse_args()

    os.makedirs(args.out_pseudo, exist_ok=True)
    names = sorted(entry[:-4] for entry in os.listdir(args.cam_dir) if entry.endswith(".npy"))
    for name in names:
        cam = np.load(os.path.join(args.cam_dir, name + ".npy"), allow_pickle=True).item()
        picture = Image.open(voc_file(args.voc_root, "JPEGImages", name + ".jpg"))
        front = np.stack([cam[c] for c in sorted(cam)], axis=2).astype(np.float64)
        back = (1 - front.max(axis=2, keepdims=True)) ** args.alpha
        scores = np.concatenate([back, front], axis=2)
        scores = smooth(scores, np.asarray(picture.convert("RGB")), args.rounds, args.tolerance)
        marks = np.array([0] + [c + 1 for c in sorted(cam)], np.uint8)
        label = marks[scores.argmax(axis=2)]
        Image.fromarray(label).save(os.path.join(args.out_pseudo, name + ".png"))
    print("wrote %d pseudo-labels" % len(names))
