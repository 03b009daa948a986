"""Write the golden plans anew."""

from tests.golden import FOLDER, SCALES, bare, chains, everything, forecast, plan, text

for old in FOLDER.glob("*.txt"):
    old.unlink()
for chain, (method, backbone) in chains().items():
    for scale in SCALES:
        file = FOLDER / f"{chain}-{scale}.txt"
        file.write_text(text(plan([method], scale, backbone)), encoding="utf-8")
(FOLDER / "all-paper.txt").write_text(everything(), encoding="utf-8")
(FOLDER / "sipe-res101-forecast.txt").write_text(forecast(), encoding="utf-8")
bare.FILE.write_text(bare.screen(), encoding="utf-8")
