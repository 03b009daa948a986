"""Put RO-Crate 1.1's JSON-LD context into the validator's HTTP cache: seed_context.py CACHE CONTEXT.

Runs in the environment of `make crate-tools`. What `rocrate-validator cache warm` downloads, tests
bring along: they use no network.
"""

import sys
from io import BytesIO
from pathlib import Path

from requests import Request, Response
from requests_cache import CachedSession
from urllib3.response import HTTPResponse

URL = "https://w3id.org/ro/crate/1.1/context"
HEADERS = {"Content-Type": "application/ld+json"}


def main() -> None:
    content = Path(sys.argv[2]).read_bytes()
    session = CachedSession(cache_name=sys.argv[1], backend="sqlite", expire_after=-1)
    answer = Response()
    answer.status_code, answer.url, answer._content = 200, URL, content
    answer.headers.update(HEADERS)
    answer.request = Request("GET", URL).prepare()
    answer.raw = HTTPResponse(
        body=BytesIO(content), headers=HEADERS, status=200, preload_content=False, request_url=URL
    )
    session.cache.save_response(answer, session.cache.create_key(answer.request))


if __name__ == "__main__":
    main()
