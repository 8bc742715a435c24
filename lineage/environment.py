"""Which environment variables matter: the allow-list of what people are shown and of what two jobs are compared by.

All that a process had is in its record, redacted; most of it (colours of a terminal, sockets of a desktop) explains nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Where programs and modules come from, and how text is read: to be compared, but seldom what somebody wants to see.
_PLACES = (
    "PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV", "R_LIBS", "R_LIBS_USER", "R_HOME", "NODE_PATH", "JULIA_LOAD_PATH", "JULIA_DEPOT_PATH", "LANG",
    "LANGUAGE", "LC_[A-Z]+", "TZ", "CUDA_HOME", "CUDA_PATH",
)
#: What can change a result, or says which part of a larger run this is.
_SETTINGS = (
    # which processors, how many, and how exactly
    "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK",
    "CUDA_DEVICE_ORDER", "CUDA_LAUNCH_BLOCKING", "CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE", "CUDNN_[A-Z0-9_]+",
    "OMP_[A-Z_]+", "KMP_[A-Z_]+", "GOMP_[A-Z_]+", "MKL_[A-Z_]+", "OPENBLAS_[A-Z_]+", "BLIS_[A-Z_]+", "NUMEXPR_[A-Z_]+",
    "VECLIB_MAXIMUM_THREADS", "TOKENIZERS_PARALLELISM", "JULIA_NUM_THREADS", "MALLOC_[A-Z_]+", "TCMALLOC_[A-Z_]+",
    # chance and the interpreter
    "PYTHONHASHSEED", "PYTHONOPTIMIZE", "PYTHONMALLOC", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONNOUSERSITE", "PYTHONSAFEPATH",
    "PYTHONWARNINGS", "PYTHONDEVMODE", "[A-Z_]*SEED", "RNG_[A-Z_]+",
    # frameworks
    "TORCH_[A-Z_]+", "TORCHINDUCTOR_[A-Z_]+", "PYTORCH_[A-Z_]+",
    "TF_(?!CLI|VAR|LOG|PLUGIN|IN_AUTO|WORKSPACE)[A-Z0-9_]+", "XLA_[A-Z_]+", "JAX_[A-Z0-9_]+",
    "NCCL_[A-Z0-9_]+", "GLOO_[A-Z_]+", "HF_(?:HUB|DATASETS)_OFFLINE", "HF_HOME", "TRANSFORMERS_OFFLINE", "TRANSFORMERS_CACHE",
    "ACCELERATE_[A-Z_]+",
    "WANDB_(?:MODE|PROJECT|ENTITY|RUN_ID|NAME|DIR)", "MLFLOW_(?:TRACKING_URI|EXPERIMENT_NAME|EXPERIMENT_ID|RUN_ID)",
    # the place in a larger run
    "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT",
    "OMPI_COMM_WORLD_[A-Z_]+", "PMI_(?:RANK|SIZE)", "SLURM_[A-Z0-9_]+", "PBS_(?:JOBID|ARRAY_INDEX|NUM_PPN)",
    "LSB_(?:JOBID|JOBINDEX)", "SGE_TASK_ID", "JOB_COMPLETION_INDEX",
)
_SHOWN = re.compile("|".join(_SETTINGS))
_COMPARED = re.compile("|".join((*_PLACES, *_SETTINGS)))


def relevant(environment: Mapping[str, str]) -> dict[str, str]:
    """Those that two jobs are compared by, in order."""
    return {name: environment[name] for name in sorted(environment) if _COMPARED.fullmatch(name)}


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Of these, those that people are shown unasked: the rest is only where things are."""
    return {name: value for name, value in relevant(environment).items() if _SHOWN.fullmatch(name)}
