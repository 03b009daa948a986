"""`reproduce` leaves a report and JUnit XML; the report works in a browser, without a network."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass(frozen=True)
class Finished:
    """What `reproduce` left."""

    runs: Path
    junit: Path

    @property
    def page(self) -> Path:
        return self.runs / "report.html"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The demo at smoke scale, two losses."""
    root = tmp_path_factory.mktemp("report")
    words = ("demo", "--scale", "smoke", "--losses", "none,isl", "--seeds", "1", "--json")
    where = ("--runtime", "process", "--project", str(ROOT), "--runs", str(root / "runs"))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "harness",
            "reproduce",
            *words,
            *where,
            "--junit",
            str(root / "j.xml"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {run["status"] for run in json.loads(done.stdout)["runs"]} == {"done"}
    return Finished(root / "runs", root / "j.xml")


@pytest.fixture(scope="module")
def all_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a smoke of every row, with the real repositories."""
    runs = tmp_path_factory.mktemp("all") / "runs"
    words = ("reproduce", "all", "--scale", "smoke", "--losses", "none", "--seeds", "1")
    where = ("--mirror", os.environ["HARNESS_MIRROR"], "--project", str(ROOT), "--runs", str(runs))
    argv = [sys.executable, "-m", "harness", *words, "--runtime", "process", *where]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return runs / "report.html"


@pytest.fixture(params=["demo", pytest.param("all rows", marks=pytest.mark.upstream)])
def page(request: pytest.FixtureRequest) -> Path:
    """A report to be looked at."""
    if request.param == "demo":
        finished: Finished = request.getfixturevalue("finished")
        return finished.page
    found: Path = request.getfixturevalue("all_rows")
    return found


def test_reproduce_leaves_one_file_that_says_what_ran(finished: Finished) -> None:
    page = finished.page.read_text(encoding="utf-8")
    assert "demo/tiny" in page
    assert "Smoke scale proves the wiring" in page
    assert page.count("data:image/") > 20
    assert len(page) < 15e6


def test_junit_has_a_case_for_every_step(finished: Finished) -> None:
    suites = ET.parse(finished.junit).getroot().findall("testsuite")
    assert [suite.get("failures") for suite in suites] == ["0", "0"]
    assert {len(suite.findall("testcase")) for suite in suites} == {9}


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    """Chromium that notes every request and everything that is said on its console."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        yield driver
    finally:
        driver.quit()


def requests(browser: Any) -> list[str]:
    """Addresses that pages asked for; pictures in them, and the browser's own start page, do not count."""
    messages = [json.loads(one["message"])["message"] for one in browser.get_log("performance")]
    sent = [one for one in messages if one["method"] == "Network.requestWillBeSent"]
    addresses = [one["params"]["request"]["url"] for one in sent]
    return [address for address in addresses if not address.startswith(("data:", "chrome:"))]


def overflow(browser: Any, width: int) -> int:
    """By how much the page is wider than a screen of that width."""
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    wide: int = browser.execute_script("return document.documentElement.scrollWidth")
    return wide - width


@pytest.mark.browser
def test_the_page_asks_for_nothing_and_complains_of_nothing(page: Path, browser: Any) -> None:
    address = page.as_uri()
    browser.get(address)
    assert requests(browser) == [address]
    broken = browser.execute_async_script(
        """
        const done = arguments[0], images = [...document.images];
        images.forEach((image) => { image.loading = "eager"; });
        Promise.allSettled(images.map((image) => image.decode())).then(() =>
          done(images.filter((image) => !image.naturalWidth).map((image) => image.alt)));
        """
    )
    assert broken == []
    assert browser.execute_script("return document.images.length") > 20
    assert browser.get_log("browser") == []


@pytest.mark.browser
def test_links_lead_somewhere_and_ids_are_unique(page: Path, browser: Any) -> None:
    browser.get(page.as_uri())
    lost = browser.execute_script(
        "return [...document.querySelectorAll('a[href^=\"#\"]')].map((a) => a.hash.slice(1))"
        ".filter((id) => !document.getElementById(id))"
    )
    assert lost == []
    ids = browser.execute_script("return [...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))
    targets = browser.execute_script(
        "return [...document.querySelectorAll('[clip-path], use')].map((e) =>"
        " (e.getAttribute('clip-path') ?? e.getAttribute('xlink:href')).match(/#([^)]+)/)[1])"
    )
    assert set(targets) <= set(ids)


@pytest.mark.browser
def test_tables_are_sorted_by_the_heading_that_is_pressed(page: Path, browser: Any) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.get(page.as_uri())
    table = browser.find_element(By.CSS_SELECTOR, "#scores table.grid")
    head = next(
        one for one in table.find_elements(By.CSS_SELECTOR, "th") if one.text.startswith("J&F")
    )
    at = browser.execute_script("return arguments[0].cellIndex", head)
    cells = "return [...arguments[0].tBodies[0].rows].map((r) => Number(r.cells[arguments[1]].dataset.sort))"
    head.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)  # as from a keyboard
    up = browser.execute_script(cells, table, at)
    assert up == sorted(up)
    assert head.get_attribute("aria-sort") == "ascending"
    head.find_element(By.TAG_NAME, "button").click()
    assert browser.execute_script(cells, table, at) == up[::-1]
    assert head.get_attribute("aria-sort") == "descending"


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_can_be_read_in_light_and_dark(page: Path, browser: Any, scheme: str) -> None:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.get(page.as_uri())
    contrast = browser.execute_script(
        """
        const level = (colour) => {
          const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((one) => one / 255)
            .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
          return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
        };
        const ground = level(getComputedStyle(document.body).backgroundColor);
        const texts = [...document.querySelectorAll("svg text, p, td, th, dd, dt, summary")];
        return Math.min(...texts.map((one) => {
          const style = getComputedStyle(one);
          const ink = level(one.closest("svg") ? style.fill : style.color);
          return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
        }));
        """
    )
    assert contrast >= 4.5  # WCAG AA


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 800, 1280])
def test_the_page_fits_its_screen(page: Path, browser: Any, width: int) -> None:
    browser.get(page.as_uri())
    assert overflow(browser, width) <= 0
