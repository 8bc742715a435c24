"""Cleans data/measurements.csv and splits it into data/train.parquet and data/test.parquet."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd


def clean(frame: pd.DataFrame) -> pd.DataFrame:
    """Without repeated rows; what is missing takes its column's median."""
    frame = frame.drop_duplicates(ignore_index=True)
    return frame.fillna(frame.median())


def split(frame: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(train, test), with `share` of the rows in test."""
    chosen = np.random.default_rng(seed).random(len(frame)) < share
    return frame[~chosen], frame[chosen]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--test-share", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=2)
    arguments = parser.parse_args()
    raw = pd.read_csv(arguments.data / "measurements.csv")
    cleaned = clean(raw)
    train, test = split(cleaned, arguments.test_share, arguments.seed)
    train.to_parquet(arguments.data / "train.parquet", index=False)
    test.to_parquet(arguments.data / "test.parquet", index=False)
    print(f"{len(raw)} rows, {len(cleaned)} of them different: {len(train)} to train, {len(test)} to test")


if __name__ == "__main__":
    main()
