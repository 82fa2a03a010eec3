"""Formats: the decisions and the ranking as CSV, Parquet and JSON."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd

from core.curation.exports.content import Content, neutralize_formula
from core.progress import Progress

_ROWS_AT_ONCE = 20_000


def ranking(content: Content) -> pd.DataFrame:
    """Return all images, worst first: rank, what the run says of each, and what was decided."""
    table, values = content.table, content.run.values
    looks_like, probability = content.resemblance
    frame = pd.DataFrame(
        {
            "rank": table["rank"],
            "id": table["id"],
            "value": table["value"],
            "looks_harmful": content.run.cut.harmful,
            "class_name": table["class_name"],
            "looks_like": pd.Series(looks_like, dtype="str"),
            "looks_like_probability": probability,
            "suggested_label": content.suggested[0],
            "suggested_confidence": content.suggested[1],
        }
    )
    if "calibrated_gradient" in values:  # a method without transport has none
        place = list(frame.columns).index("value") + 1
        frame.insert(place, "calibrated_gradient", values["calibrated_gradient"])
    for name in ("fault_probability", "likely_fault"):
        if name in values:
            frame[name] = values[name]
    return frame.assign(verdict=table["verdict"], kept=table["kept"]).sort_values(
        "rank", ignore_index=True
    )


def write_csv(content: Content, folder: Path, progress: Progress) -> None:
    """Write decisions.csv and ranking.csv: UTF-8, as in RFC 4180, formulas neutralized."""
    for name, table in _tables(content).items():
        save_csv(table, folder / f"{name}.csv", progress)


def write_parquet(content: Content, folder: Path, progress: Progress) -> None:
    """Write decisions.parquet and ranking.parquet: texts exactly as they are."""
    for name, table in _tables(content).items():
        progress("Writing the tables", 0.0, name)
        table.to_parquet(folder / f"{name}.parquet", index=False)


def write_json(content: Content, folder: Path, progress: Progress) -> None:
    """Write decisions.json and ranking.json: lists of objects, null where there is nothing."""
    for name, table in _tables(content).items():
        with (folder / f"{name}.json").open("w", encoding="ascii") as file:
            file.write("[")
            for start in range(0, len(table), _ROWS_AT_ONCE):
                progress("Writing the tables", start / len(table), name)
                for number, row in enumerate(_records(table[start : start + _ROWS_AT_ONCE])):
                    file.write(",\n " if start + number else "\n ")
                    file.write(json.dumps(row))
            file.write("\n]\n")


def save_csv(table: pd.DataFrame, path: Path, progress: Progress) -> None:
    """Write `table` such that a spreadsheet computes none of it and pandas reads it back."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table.columns)
        for start in range(0, len(table), _ROWS_AT_ONCE):
            progress("Writing the tables", start / len(table), path.name)
            part = table[start : start + _ROWS_AT_ONCE]
            writer.writerows(zip(*(_cells(part[name]) for name in part.columns), strict=True))


def _tables(content: Content) -> dict[str, pd.DataFrame]:
    return {"decisions": content.table, "ranking": ranking(content)}


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    # x != x: NaN, and pandas' missing text.
    columns = [[None if x != x else x for x in table[name].tolist()] for name in table.columns]
    return [dict(zip(table.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def _cells(column: pd.Series) -> list[object]:
    """Return a column's cells as `csv` writes them; floats keep every digit."""
    if pd.api.types.is_numeric_dtype(column):
        return ["" if x != x else x for x in column.tolist()]
    return [neutralize_formula(x) if isinstance(x, str) else "" for x in column.tolist()]
