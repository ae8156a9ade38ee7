"""`python -m bench.eval_roi`: every scenario of docs/roi-evaluation.md; writes eval-roi-*.json."""

import argparse
from dataclasses import replace
from pathlib import Path

from bench.eval_roi.kept import ROOT, Rows, fingerprint
from bench.eval_roi.run import FULL, QUICK, run
from bench.eval_roi.show import Results, calibration_figures, figures, print_all
from bench.eval_roi.trial import TRIAL
from bench.figures import record


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.eval_roi", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seeds; keeps no figure")
    parser.add_argument("--seeds", type=int, default=FULL.seeds, help="of each scenario")
    parser.add_argument("--minutes", type=float, default=FULL.minutes, help="then stop")
    parser.add_argument("--processes", type=int, default=FULL.processes)
    parser.add_argument("--folder", type=Path, help="of the rows; var/eval-roi/… by default")
    options = parser.parse_args()
    chosen = {name: getattr(options, name) for name in ("seeds", "minutes", "processes")}
    extent = QUICK if options.quick else replace(FULL, **chosen)
    rows = Rows(options.folder or ROOT / "var" / "eval-roi" / fingerprint())
    run(rows, extent, lambda said: print(said, flush=True))
    results = Results(rows.frame(TRIAL))
    print_all(results)
    if not options.quick:
        record("eval-roi-worlds", figures(results))
        record("eval-roi-calibration", calibration_figures(results))


if __name__ == "__main__":
    main()
