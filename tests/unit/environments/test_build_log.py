"""What is shown of a build that failed."""

from harness.environments.build_log import last_lines

_NAMED = (
    "    tool==1.0 from https://files.example/tool-1.0-py3-none-any.whl (from -r locks (line 5)):"
)


def test_the_package_is_named_however_many_hashes_it_may_have() -> None:
    hashes = [f"        Expected     or {number:064x}" for number in range(100)]
    lines = ["\x1b[91mERROR: THESE PACKAGES DO NOT MATCH THE HASHES", _NAMED]
    lines += [
        f"        Expected sha256 {0:064x}",
        *hashes,
        f"             Got        {1:064x}",
        "",
        "\x1b[0m",
    ]
    assert last_lines(lines).splitlines() == [
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES",
        _NAMED,
        f"        Expected sha256 {0:064x}",
        f"             Got        {1:064x}",
    ]


def test_only_the_end_is_shown() -> None:
    assert last_lines(str(number) for number in range(100)).splitlines()[0] == "80"
