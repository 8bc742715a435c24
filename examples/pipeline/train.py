"""Trains gradient boosted trees on data/train.parquet and writes model.pkl."""

import argparse
import pickle
from pathlib import Path

import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, default=Path("data/train.parquet"))
    parser.add_argument("--epochs", type=int, default=30, help="rounds of boosting, one tree each")
    parser.add_argument("--rate", type=float, default=0.1, help="learning rate")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("model.pkl"))
    arguments = parser.parse_args()
    frame = pd.read_parquet(arguments.train)
    model = HistGradientBoostingClassifier(
        max_iter=arguments.epochs, learning_rate=arguments.rate, random_state=arguments.seed, early_stopping=False)
    features = frame.drop(columns="diagnosis")
    model.fit(features, frame["diagnosis"])
    with arguments.out.open("wb") as file:
        pickle.dump(model, file, protocol=5)
    accuracy = model.score(features, frame["diagnosis"])
    print(f"{arguments.out}: {arguments.epochs} trees, accuracy {accuracy:.4f} in training")


if __name__ == "__main__":
    main()
