"""Take the picture of the report: `.venv/bin/python docs/images/report.py` writes report.png.

It runs the demo, opens the report in headless Chromium in both colour schemes, and puts the two
pictures side by side. Debian: chromium chromium-driver.
"""

import io
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

WIDTH, HEIGHT, SCALE = 1180, 1400, 0.6  # of a window, and of its picture
WORDS = ("reproduce", "demo", "--losses", "all", "--seeds", "2", "--runtime", "process")
FLAGS = ("--headless=new", "--no-sandbox", "--hide-scrollbars")
FOLDER = Path(__file__).resolve().parent


def main() -> None:
    """Run, open, join."""
    with tempfile.TemporaryDirectory() as runs:
        harness = Path(sys.executable).with_name("harness")
        subprocess.run([harness, *WORDS, "--runs", runs], check=True, stdout=subprocess.DEVNULL)
        pictures = seen(Path(runs, "report.html"))
    file = FOLDER / "report.png"
    beside(pictures).save(file, optimize=True)
    sys.stdout.write(f"{file}\n")


def beside(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures of one size in a row."""
    width, height = pictures[0].size
    whole = Image.new("RGB", (width * len(pictures), height))
    for number, picture in enumerate(pictures):
        whole.paste(picture, (number * width, 0))
    return whole


def seen(report: Path) -> list[Image.Image]:
    """The top in the light scheme, and stages and images in the dark one."""
    options = webdriver.ChromeOptions()
    for flag in FLAGS:
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": SCALE, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        return [taken(driver, report, *how) for how in (("light", ""), ("dark", "#stages"))]
    finally:
        driver.quit()


def taken(driver: webdriver.Chrome, report: Path, scheme: str, place: str) -> Image.Image:
    """What the window shows from this place of the report on."""
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    driver.get("about:blank")  # else a place in the same page is only scrolled to
    driver.get(f"{report.as_uri()}{place}")
    return Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")


if __name__ == "__main__":
    main()
