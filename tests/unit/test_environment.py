"""Which environment variables people are shown, and jobs are compared by."""

from __future__ import annotations

from lineage.environment import relevant, settings


def test_what_matters_is_named() -> None:
    environment = {
        "CUDA_VISIBLE_DEVICES": "0", "OMP_NUM_THREADS": "4", "PATH": "/bin", "LC_ALL": "C", "SLURM_JOB_ID": "7", "RANK": "1",
        "PYTHONHASHSEED": "0", "MY_SEED": "3", "LD_LIBRARY_PATH": "/x", "HOME": "/root", "LS_COLORS": "rs=0", "TERM": "xterm",
        "SSH_AUTH_SOCK": "/tmp/x", "FRANK": "2", "HF_TOKEN": "secret", "TF_CLI_CONFIG_FILE": "/terraform",
        "WANDB_API_KEY": "secret",
    }
    assert list(relevant(environment)) == [
        "CUDA_VISIBLE_DEVICES", "LC_ALL", "LD_LIBRARY_PATH", "MY_SEED", "OMP_NUM_THREADS", "PATH", "PYTHONHASHSEED", "RANK",
        "SLURM_JOB_ID"]
    assert list(settings(environment)) == [
        "CUDA_VISIBLE_DEVICES", "MY_SEED", "OMP_NUM_THREADS", "PYTHONHASHSEED", "RANK", "SLURM_JOB_ID"]
