import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image


def ids_of(root, period):
    return Path(root, "ImageSets/Segmentation", period + ".txt").read_text().split()


def pixels_of(root, name):
    picture = Image.open(Path(root, "JPEGImages", name + ".jpg")).convert("RGB")
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 127.5 - 1


class Labelled(torch.utils.data.Dataset):
    """Images with label PNGs; what lies outside an image is grey and labelled 255."""

    def __init__(self, root, period, pseudo, side):
        self.root, self.pseudo, self.side = root, pseudo, side
        self.ids = ids_of(root, period)

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, which):
        name, side = self.ids[which], self.side
        pixels = pixels_of(self.root, name)
        label = torch.from_numpy(np.array(Image.open(Path(self.pseudo, name + ".png")))).long()
        if label.shape != pixels.shape[1:]:
            raise ValueError("label of %s is %s, image %s" % (name, label.shape, pixels.shape))
        if random.random() < 0.5:
            pixels, label = pixels.flip(2), label.flip(1)
        tall, wide = max(side, label.shape[0]), max(side, label.shape[1])
        board, marks = torch.zeros(3, tall, wide), torch.full((tall, wide), 255)
        board[:, : label.shape[0], : label.shape[1]] = pixels
        marks[: label.shape[0], : label.shape[1]] = label
        y, x = random.randint(0, tall - side), random.randint(0, wide - side)
        return board[:, y : y + side, x : x + side], marks[y : y + side, x : x + side]
