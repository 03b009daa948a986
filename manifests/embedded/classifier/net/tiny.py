from torch import nn


def unit(inside, outside, stride=1, reach=1):
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride, padding=reach, dilation=reach, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
    )


class TinyNet(nn.Module):
    """Five convolutions, stride 4 in all; the last one gives a map per class."""

    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(unit(3, 16, 2), unit(16, 32, 2), unit(32, 32), unit(32, 48, reach=2))
        self.drop = nn.Dropout2d(0.2)
        self.head = nn.Conv2d(48, classes, 1, bias=False)

    def forward(self, image):
        return self.head(self.drop(self.body(image)))
