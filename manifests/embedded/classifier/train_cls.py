import argparse
import random

import numpy as np
import torch
from data.voclike import Tagged
from net.tiny import TinyNet
from torch.nn.functional import multilabel_soft_margin_loss as tag_loss
from torch.utils import data as batches

if __name__ == "__main__":
    cli = argparse.ArgumentParser()
    cli.add_argument("--voc_root", required=True)
    cli.add_argument("--labels", required=True)
    cli.add_argument("--split", default="train")
    cli.add_argument("--classes", default=3, type=int)
    cli.add_argument("--crop", default=64, type=int)
    cli.add_argument("--batch", default=8, type=int)
    cli.add_argument("--epochs", default=15, type=int)
    cli.add_argument("--lr", default=3e-3, type=float)
    cli.add_argument("--workers", default=0, type=int)
    cli.add_argument("--seed", default=0, type=int)
    cli.add_argument("--session_name", required=True)
    args = cli.parse_args()

    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    images = Tagged(args.voc_root, args.split, args.labels, args.crop)
    loader = batches.DataLoader(
        images, args.batch, shuffle=True, num_workers=args.workers, drop_last=True
    )
    model = TinyNet(args.classes)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, args.lr, total_steps=args.epochs * len(loader)
    )
    model.train()
    for epoch in range(args.epochs):
        total = 0.0
        for image, tags in loader:
            maps = model(image)
            loss = tag_loss(maps.mean(dim=(2, 3)), tags)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print("epoch %d/%d loss %.9f" % (epoch + 1, args.epochs, total / len(loader)), flush=True)

    torch.save(model.state_dict(), args.session_name + ".pth")
