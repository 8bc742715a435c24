"""Tries model.pkl on data/test.parquet: metrics.json, and the ROC curve in plot.png."""

import argparse
import json
import pickle
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # no screen needed

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score, roc_curve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("model.pkl"))
    parser.add_argument("--test", type=Path, default=Path("data/test.parquet"))
    arguments = parser.parse_args()
    with arguments.model.open("rb") as file:
        model = pickle.load(file)
    frame = pd.read_parquet(arguments.test)
    truth, features = frame["diagnosis"], frame.drop(columns="diagnosis")
    scores = model.predict_proba(features)[:, 1]
    metrics = {
        "rows": len(frame),
        "accuracy": round(accuracy_score(truth, scores > 0.5), 6),
        "f1": round(f1_score(truth, scores > 0.5), 6),
        "auc": round(roc_auc_score(truth, scores), 6),
    }
    Path("metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    false_positives, true_positives, _ = roc_curve(truth, scores)
    figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
    axes.plot(false_positives, true_positives, label=f"AUC {metrics['auc']:.4f}")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title=arguments.model.name)
    axes.legend()
    figure.savefig("plot.png", dpi=120)
    print(json.dumps(metrics))


if __name__ == "__main__":
    main()
