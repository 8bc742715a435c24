"""Writes data/measurements.csv: scikit-learn's breast cancer measurements, resampled with noise to many rows.

What a real measurement has, this has too: some values are missing, and some rows are there twice.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer

MISSING = 0.002  # share of the values
REPEATED = 0.01  # share of the rows
NOISE = 0.05  # of each feature's standard deviation


def measurements(rows: int, seed: int) -> pd.DataFrame:
    """Rows of 30 features and `diagnosis`, drawn with replacement from the 569 that scikit-learn ships."""
    random = np.random.default_rng(seed)
    shipped = load_breast_cancer(as_frame=True).frame.rename(columns={"target": "diagnosis"})
    frame = shipped.iloc[random.integers(len(shipped), size=rows)].reset_index(drop=True)
    features = frame.columns.drop("diagnosis")
    noise = random.normal(scale=NOISE, size=(rows, len(features))) * shipped[features].std().to_numpy()
    frame[features] = (frame[features] + noise).clip(lower=0).mask(random.random((rows, len(features))) < MISSING)
    repeated = frame.iloc[random.integers(rows, size=int(rows * REPEATED))]
    return pd.concat([frame, repeated], ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("data/measurements.csv"))
    arguments = parser.parse_args()
    frame = measurements(arguments.rows, arguments.seed)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(arguments.out, index=False, float_format="%.5f")
    print(f"{arguments.out}: {len(frame)} rows, {arguments.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
