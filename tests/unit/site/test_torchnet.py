"""What deeplab-pytorch logs: the mean of its last losses."""

from harness.site.shims.torchnet.meter import MovingAverageValueMeter


def test_old_values_drop_out() -> None:
    meter = MovingAverageValueMeter(2)
    for value in (9.0, 1.0, 3.0):
        meter.add(value)
    assert meter.value() == (2.0, 1.0)
