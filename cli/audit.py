"""`headwater audit`: a judgement as files that anybody can recompute, with no warehouse."""

import json
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import typer

from contracts.clock import utc
from contracts.errors import UserError
from contracts.investment_rows import InvestmentJudgementRow, InvestmentPanelRow
from models.audit import differences, panel_hash, panel_of, question_of, recomputed
from warehouse.reader import Reader

PANEL, PARQUET, TERMS, JUDGEMENT, RUNS, README, SUMS = (
    "panel.csv",
    "panel.parquet",
    "terms.json",
    "judgement.json",
    "runs.json",
    "README.md",
    "SHA256SUMS",
)
_SUMMED: Final = (PANEL, PARQUET, TERMS, JUDGEMENT, RUNS, README)
_JUDGEMENTS: Final = """
    SELECT * FROM ml.investment_judgement FINAL
    WHERE investment_id = %(investment_id)s AND as_of <= %(as_of)s
    ORDER BY as_of
"""
_PANEL: Final = "SELECT * FROM ml.investment_panel FINAL WHERE panel_hash = %(panel_hash)s"
_SAYS: Final = """# Audit of {name}

Question: outcome `{outcome}`, registered {registered}; asked {asked}.
Verdict as of {as_of}: **{verdict}**. {reason}

| file | what |
| --- | --- |
| `panel.csv` | the panel as it was judged, whole; SHA-256 {panel_hash} |
| `panel.parquet` | the same, typed, to look into |
| `terms.json` | the question: cost, margin, covariates, when it was registered |
| `judgement.json` | all of the answer: estimates, diagnostics, and the code's version |
| `runs.json` | every judgement of this investment that was kept, the null ones too |
| `SHA256SUMS` | of each of these files, as `sha256sum --check` reads them |

To recompute it, with no warehouse and no network:

    headwater audit --recompute {folder}

It compares every file with its sum, judges `panel.csv` by `terms.json` again, and compares what
comes out with `judgement.json`, to the last digit; it ends with 1 and names the difference where
there is one. Whoever changes a file and its sum as well can't change what comes out: `runs.json`
alone rests on the sum. Code: {code_version}.
"""


def write_pack(reader: Reader, investment_id: str, as_of: datetime, out: Path) -> str:
    """Write the pack of the newest judgement until a moment into a new folder; return its verdict.

    Raises:
        UserError: if the folder is not new, nothing was judged by then, or there was no panel.
    """
    if out.exists():
        raise UserError(f"{out} exists already: name a new folder for the audit")
    rows = reader.rows(
        InvestmentJudgementRow, _JUDGEMENTS, {"investment_id": investment_id, "as_of": utc(as_of)}
    )
    if not rows:
        raise UserError(
            f"{investment_id!r} was not judged by {as_of:%Y-%m-%d %H:%M}: see the Investments page "
            "for the ids, or `headwater compute` first"
        )
    row = rows[-1]
    if not row.panel_hash:
        raise UserError(f"{investment_id} has no panel to recompute. {row.reason}")
    (kept,) = reader.rows(InvestmentPanelRow, _PANEL, {"panel_hash": row.panel_hash})
    _write(out, row, kept.panel_csv, rows)
    return row.verdict


def recompute(folder: Path) -> list[str]:
    """Return what is not as it was kept: a file, or the answer; empty where all is the same.

    A pack with an altered file is not judged again.

    Raises:
        UserError: if the folder holds no pack, or its panel or question can't be read.
    """
    if altered := [*_altered(folder)]:
        return altered
    panel, terms = ((folder / name).read_text("utf-8") for name in (PANEL, TERMS))
    told = _told(folder / JUDGEMENT)
    wrong = []
    if panel_hash(panel) != told["panel_hash"]:
        wrong.append(f"{PANEL} hashes to {panel_hash(panel)}, not {told['panel_hash']}")
    return [*wrong, *differences(told, json.loads(json.dumps(recomputed(panel, terms))))]


def _altered(folder: Path) -> Iterator[str]:
    """Yield a line for each file that is missing, or whose sum is not the one kept."""
    lines = _read(folder / SUMS).decode(errors="replace").split("\n")
    kept = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in _SUMMED:
        digest = sha256(_read(folder / name)).hexdigest()
        if digest != kept.get(name):
            yield f"{name} was altered: its SHA-256 is {digest}, not {kept.get(name, 'on record')}"


def _told(path: Path) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return {"panel_hash": ""} | told
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is not the answer of a judgement: {error}") from error


def _write(
    out: Path, row: InvestmentJudgementRow, panel: str, rows: list[InvestmentJudgementRow]
) -> None:
    answer = recomputed(panel, row.terms)
    _refuse_other(row, answer)
    out.mkdir(parents=True)
    (out / PANEL).write_text(panel, encoding="utf-8")
    panel_of(panel).to_parquet(out / PARQUET, index=False)
    (out / TERMS).write_text(json.dumps(json.loads(row.terms), indent=2) + "\n", encoding="utf-8")
    (out / JUDGEMENT).write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")
    (out / RUNS).write_text(_runs(rows), encoding="utf-8")
    (out / README).write_text(_readme(row, out), encoding="utf-8")
    sums = (f"{sha256(_read(out / name)).hexdigest()}  {name}\n" for name in _SUMMED)
    (out / SUMS).write_text("".join(sums), encoding="utf-8")


def _refuse_other(row: InvestmentJudgementRow, answer: dict[str, Any]) -> None:
    """Refuse to vouch for a judgement that this code does not give."""
    was = {name: getattr(row, name) for name in ("code_version", "verdict", "effect", "roi")}
    if wrong := [*differences(was, {name: answer[name] for name in was})]:
        raise UserError(
            f"{row.investment_id} was judged by {row.code_version}, and this code says otherwise "
            f"({'; '.join(wrong)}): audit it with the version of headwater that judged it"
        )


def _runs(rows: list[InvestmentJudgementRow]) -> str:
    told = [
        {name: getattr(row, name) for name in row.__struct_fields__} | {"as_of": str(row.as_of)}
        for row in rows
    ]
    return json.dumps(told, indent=2) + "\n"


def _readme(row: InvestmentJudgementRow, out: Path) -> str:
    question = question_of(row.terms)
    return _SAYS.format(
        name=row.investment_id,
        outcome=row.outcome,
        registered=question.registered_on or "on a day that nobody told",
        asked=row.asked,
        as_of=f"{row.as_of:%Y-%m-%d %H:%M:%S} UTC",
        verdict=row.verdict.replace("_", " "),
        reason=row.reason,
        panel_hash=row.panel_hash,
        code_version=row.code_version,
        folder=out.name,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} can't be read: name a folder that `headwater audit` made"
        ) from error


def report(wrong: list[str], folder: Path) -> None:
    """Print how a recomputation went; end with 1 where it differs."""
    if not wrong:
        typer.echo(f"{folder}: recomputed, the same to the last digit")
        return
    for line in wrong:
        typer.echo(line)
    typer.echo(f"{folder}: {len(wrong)} differences", err=True)
    raise typer.Exit(1)
