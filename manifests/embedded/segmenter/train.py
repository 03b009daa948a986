import argparse
import random

import torch
from fcn import FCN
from segdata import Labelled
from torch.nn.functional import cross_entropy

options = argparse.ArgumentParser()
options.add_argument("--root", required=True)
options.add_argument("--pseudo", required=True)
options.add_argument("--period", default="train")
options.add_argument("--labels", type=int, default=4)
options.add_argument("--side", type=int, default=64)
options.add_argument("--batch_size", type=int, default=8)
options.add_argument("--iterations", type=int, default=80)
options.add_argument("--rate", type=float, default=3e-3)
options.add_argument("--num_workers", type=int, default=0)
options.add_argument("--seed", type=int, default=1)
options.add_argument("--save", required=True)
opt = options.parse_args()

random.seed(opt.seed)
torch.manual_seed(opt.seed)


def endless(source):
    while True:
        yield from source


pairs = Labelled(opt.root, opt.period, opt.pseudo, opt.side)
source = torch.utils.data.DataLoader(
    pairs, opt.batch_size, shuffle=True, drop_last=True, num_workers=opt.num_workers
)
net = FCN(opt.labels)
adam = torch.optim.Adam(net.parameters(), lr=opt.rate)
rate = torch.optim.lr_scheduler.OneCycleLR(adam, opt.rate, total_steps=opt.iterations)
for step, (pixels, label) in enumerate(endless(source), start=1):
    loss = cross_entropy(net(pixels), label, ignore_index=255)
    net.zero_grad()
    loss.backward()
    adam.step()
    rate.step()
    if step % 10 == 0:
        print("[%d/%d] loss %.6f" % (step, opt.iterations, loss.item()), flush=True)
    if step == opt.iterations:
        break
torch.save({"net": net.state_dict(), "labels": opt.labels}, opt.save)
