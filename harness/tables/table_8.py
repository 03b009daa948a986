"""Table 8: which repository serves which stages of which method, with commits and licences."""

from collections.abc import Iterable, Iterator

from harness.manifest.catalogue import Catalogue
from harness.manifest.model import Method
from harness.tables.model import Absent, Column, Line, Names, Table, Words

_COLUMNS = (
    Column(name="method", head="method"),
    Column(name="backbones", head="backbones"),
    Column(name="stages", head="stages"),
    Column(name="repository", head="repository", machine=True),
    Column(name="url", head="repository"),
    Column(name="commit", head="commit"),
    Column(name="date", head="date"),
    Column(name="licence", head="licence"),
)
_NONE = Absent("dash")


def table_8(methods: Iterable[Method], catalogue: Catalogue) -> Table:
    """The repositories of each chain, from the manifests."""
    return Table(
        name=8,
        title="The repositories of each chain",
        columns=_COLUMNS,
        lines=tuple(line for method in methods for line in _lines(method, catalogue)),
        notes=("stages: as Sec. S.3 numbers them. licence -: the repository states none.",),
    )


def _lines(method: Method, catalogue: Catalogue) -> Iterator[Line]:
    for repository in method.repositories:
        pin = catalogue.repositories[repository]
        stages = pin.stages.get(method.method)
        cells = (
            Words(method.method),
            Names(_backbones(method, repository)),
            Words(stages) if stages else _NONE,
            Words(repository),
            Words(pin.url),
            Words(pin.commit),
            Words(pin.date),
            Words(pin.licence) if pin.licence else _NONE,
        )
        yield Line(cells=cells, group=method.method)


def _backbones(method: Method, repository: str) -> tuple[str, ...]:
    """The backbones whose chains use a repository; all if no step of its own does."""
    used = [step.backbones for step in method.steps if step.repo == repository]
    everywhere = not all(used)
    return tuple(b for b in method.backbones if everywhere or any(b in only for only in used))
