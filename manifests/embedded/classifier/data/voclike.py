import os
import random

import numpy as np
import torch
from PIL import Image

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def read_ids(voc_root, split):
    with open(os.path.join(voc_root, "ImageSets", "Segmentation", split + ".txt")) as lines:
        return lines.read().split()


def read_image(voc_root, name):
    picture = Image.open(os.path.join(voc_root, "JPEGImages", name + ".jpg"))
    return np.asarray(picture.convert("RGB"))


def to_input(pixels):
    scaled = (pixels.astype(np.float32) / 255 - MEAN) / STD
    return torch.from_numpy(scaled.transpose(2, 0, 1).copy())


class Tagged(torch.utils.data.Dataset):
    """Images with image-level tags, flipped at random and cut or zero-padded to one size."""

    def __init__(self, voc_root, split, labels, crop):
        self.root, self.names, self.crop = voc_root, read_ids(voc_root, split), crop
        self.labels = np.load(labels, allow_pickle=True).item()

    def __len__(self):
        return len(self.names)

    def __getitem__(self, at):
        tensor = to_input(read_image(self.root, self.names[at]))
        if random.random() < 0.5:
            tensor = tensor.flip(2)
        high, wide = tensor.shape[1:]
        canvas = torch.zeros(3, max(high, self.crop), max(wide, self.crop))
        canvas[:, :high, :wide] = tensor
        top = random.randint(0, canvas.shape[1] - self.crop)
        left = random.randint(0, canvas.shape[2] - self.crop)
        piece = canvas[:, top : top + self.crop, left : left + self.crop]
        return piece, torch.from_numpy(self.labels[self.names[at]])
