from torch import nn
from torch.nn.functional import interpolate


def block(inside, outside, stride=1, reach=1):
    layer = nn.Conv2d(inside, outside, 3, stride, padding=reach, dilation=reach, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outside), nn.ReLU(inplace=True))


class FCN(nn.Module):
    """Scores of `labels` labels (background first) at the size of the input."""

    def __init__(self, labels):
        super().__init__()
        self.layers = nn.Sequential(
            block(3, 16, stride=2),
            block(16, 24),
            block(24, 32, stride=2),
            block(32, 32, reach=2),
            nn.Conv2d(32, labels, 1),
        )

    def forward(self, pixels):
        scores = self.layers(pixels)
        return interpolate(scores, pixels.shape[2:], mode="bilinear")
