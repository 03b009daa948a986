"""Write the golden plans anew."""

from tests.golden import FOLDER, bare, chains, everything, forecast, plan, scales, text

for old in FOLDER.glob("*.txt"):
    old.unlink()
for (chain, scale), name in scales().items():
    method, backbone = chains()[chain]
    (FOLDER / name).write_text(text(plan([method], scale, backbone)), encoding="utf-8")
(FOLDER / "all-paper.txt").write_text(everything(), encoding="utf-8")
(FOLDER / "sipe-res101-forecast.txt").write_text(forecast(), encoding="utf-8")
bare.FILE.write_text(bare.screen(), encoding="utf-8")
