"""Python programs as they are used for data and for training, under roar and strace at once."""

from __future__ import annotations

import os
import sys
import zipfile
from importlib.util import find_spec
from typing import Any

import pytest
from comparison import Comparison
from laboratory import SYSTEM_PYTHON, Laboratory

#: A Python that has torch, which is too large to be installed for one test: this one, or that of another venv.
TORCH = os.environ.get("ROAR_TEST_TORCH") or (sys.executable if find_spec("torch") else "")


def imports(*modules: str) -> pytest.MarkDecorator:
    absent = [module for module in modules if find_spec(module) is None]
    return pytest.mark.skipif(bool(absent), reason=f"not importable: {', '.join(absent)}")


def run(lab: Laboratory, script: str, **options: Any) -> Comparison:
    """With the packages that the tests have."""
    return lab.python(script, interpreter=sys.executable, **options)


# ---- processes ----

def test_pool_of_processes(lab: Laboratory) -> None:
    for number in range(6):
        lab.write(f"in/{number}.txt", f"{number}\n" * 100)
    lab.python("""
import multiprocessing, sys
def count(number):
    with open(f"in/{number}.txt") as source, open(f"out-{sys.argv[1]}-{number}.txt", "w") as target:
        target.write(str(sum(map(int, source))))
    return number
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool:
        assert pool.map(count, range(6)) == list(range(6))
        pool.close()
        pool.join()
""", "fork", inputs=["in/0.txt", "in/5.txt"], outputs=["out-fork-0.txt", "out-fork-5.txt"])
    lab.run(SYSTEM_PYTHON, "script.py", "spawn", outputs=["out-spawn-0.txt"])
    lab.run(SYSTEM_PYTHON, "script.py", "forkserver", outputs=["out-forkserver-0.txt"])


def test_loader_of_batches(lab: Laboratory) -> None:
    """What a DataLoader does: workers read samples and hand them over through shared memory."""
    for number in range(8):
        lab.write(f"data/{number}.bin", bytes([number]) * 1000)
    lab.python("""
import multiprocessing, os
from multiprocessing import shared_memory

def work(tasks, results):
    for number in iter(tasks.get, None):
        with open(f"data/{number}.bin", "rb") as file:
            content = file.read()
        memory = shared_memory.SharedMemory(create=True, size=len(content))
        memory.buf[:len(content)] = content
        results.put((number, memory.name, len(content)))
        memory.close()

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    tasks, results = context.Queue(), context.Queue()
    workers = [context.Process(target=work, args=(tasks, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for number in range(8):
        tasks.put(number)
    total = 0
    for _ in range(8):
        number, name, size = results.get()
        memory = shared_memory.SharedMemory(name)
        total += sum(memory.buf[:size])
        memory.close()
        memory.unlink()
    for _ in workers:
        tasks.put(None)
    for worker in workers:
        worker.join()
    with open("sum.txt", "w") as file:
        file.write(str(total))
""", inputs=["data/0.bin", "data/7.bin"], outputs=["sum.txt"])


def test_subprocesses(lab: Laboratory) -> None:
    lab.write("in.txt", "b\na\n")
    lab.python("""
import os, subprocess
subprocess.run("sort in.txt | tee sorted.txt > copy.txt", shell=True, check=True)
with open("in.txt", "rb") as source, open("upper.txt", "wb") as target:
    subprocess.run(["tr", "a-z", "A-Z"], stdin=source, stdout=target, check=True)
pid = os.posix_spawnp("cp", ["cp", "upper.txt", "spawned.txt"], os.environ,
                      file_actions=[(os.POSIX_SPAWN_OPEN, 1, "log.txt", os.O_WRONLY | os.O_CREAT, 0o600)])
os.waitpid(pid, 0)
os.system("wc -l < sorted.txt > lines.txt")
""", inputs=["in.txt"], outputs=["sorted.txt", "copy.txt", "upper.txt", "spawned.txt", "log.txt", "lines.txt"])


# ---- the standard library ----

@pytest.mark.parametrize("journal", ["DELETE", "TRUNCATE", "WAL"])
def test_sqlite(lab: Laboratory, journal: str) -> None:
    script = f"""
import sqlite3
connection = sqlite3.connect("data.db")
connection.execute("PRAGMA journal_mode={journal}")
connection.execute("CREATE TABLE IF NOT EXISTS t (k INTEGER PRIMARY KEY, v TEXT)")
with connection:
    connection.executemany("INSERT INTO t (v) VALUES (?)", [(str(number) * 50,) for number in range(2000)])
with connection:
    connection.execute("UPDATE t SET v = 'x' WHERE k % 3 = 0")
with open("count.txt", "w") as file:
    file.write(str(connection.execute("SELECT count(*) FROM t").fetchone()))
connection.close()
"""
    lab.python(script, outputs=["data.db", "count.txt"])
    lab.python(script, inputs=["data.db"], outputs=["data.db"])


def test_archives_and_logs(lab: Laboratory) -> None:
    lab.write("tree/a.txt", "a" * 100)
    lab.write("tree/b.txt", "b" * 100)
    lab.python("""
import gzip, logging.handlers, lzma, os, shelve, shutil, tarfile, tempfile, zipfile
with zipfile.ZipFile("z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.write("tree/a.txt")
    archive.write("tree/b.txt")
zipfile.ZipFile("z.zip").extractall("unzipped")
with tarfile.open("t.tar.xz", "w:xz") as archive:
    archive.add("tree")
tarfile.open("t.tar.xz").extractall("untarred")
with shelve.open("shelf") as shelf:
    shelf["k"] = [1, 2]
with shelve.open("shelf") as shelf:
    shelf["j"] = shelf["k"]
with gzip.open("g.gz", "wt") as file:
    file.write("x" * 1000)
with lzma.open("g.xz", "wb") as file:
    file.write(gzip.open("g.gz", "rb").read())
log = logging.getLogger("x")
log.addHandler(logging.handlers.RotatingFileHandler("app.log", maxBytes=200, backupCount=2))
for number in range(60):
    log.warning("line %d", number)
descriptor, name = tempfile.mkstemp()
os.write(descriptor, b"x")
os.close(descriptor)
os.replace(name, "final.txt")
with tempfile.TemporaryDirectory() as directory, open(directory + "/q", "w") as file:
    file.write("q")
    file.flush()
    shutil.copy2(directory + "/q", "q.txt")
with tempfile.SpooledTemporaryFile(10) as file:
    file.write(b"x" * 100)
""", inputs=["tree/a.txt", "tree/b.txt"],
               outputs=["z.zip", "unzipped/tree/a.txt", "untarred/tree/b.txt", "app.log", "app.log.2", "final.txt", "q.txt"])


def test_asynchronous_and_executors(lab: Laboratory) -> None:
    lab.write("a.txt", "a")
    lab.python("""
import asyncio, concurrent.futures
def work(number):
    with open("a.txt") as source, open(f"w{number}", "w") as target:
        target.write(source.read())
async def run():
    process = await asyncio.create_subprocess_exec("cat", "a.txt", stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    with open("async.txt", "wb") as target:
        target.write(out)
if __name__ == "__main__":
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        list(pool.map(work, range(4)))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(4, 8)))
    asyncio.run(run())
""", inputs=["a.txt"], outputs=["w0", "w7", "async.txt"])


def test_bytecode(lab: Laboratory) -> None:
    """Modules are compiled, written by a temporary name, and read as bytecode by the next run."""
    lab.write("package/__init__.py", "")
    lab.write("package/part.py", "VALUE = 1\n")
    lab.write("main.py", "from package.part import VALUE\nopen('value.txt', 'w').write(str(VALUE))\n")
    environment = {"PYTHONDONTWRITEBYTECODE": ""}
    lab.run(sys.executable, "main.py", environment=environment, inputs=["main.py", "package/part.py"], outputs=["value.txt"])
    found = lab.run(sys.executable, "main.py", environment=environment, inputs=["main.py"], outputs=["value.txt"])
    assert any(path.endswith(".pyc") for path in found.paths("inputs"))


def test_pip_install(lab: Laboratory) -> None:
    about = "little-1.0.dist-info"
    wheel = lab.path / "little-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in {
                "little/__init__.py": "VALUE = 1\n", "little/data.txt": "data\n" * 1000,
                f"{about}/METADATA": "Metadata-Version: 2.1\nName: little\nVersion: 1.0\n",
                f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
                f"{about}/entry_points.txt": "[console_scripts]\nlittle = little:main\n"}.items():
            archive.writestr(name, content)
        archive.writestr(f"{about}/RECORD", "".join(f"{name},,\n" for name in [*archive.namelist(), f"{about}/RECORD"]))
    lab.run(sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--disable-pip-version-check",
            "--root-user-action=ignore", "--target", "target", wheel.name,
            inputs=[wheel.name], outputs=["target/little/data.txt", "target/little/__init__.py"])


@imports("lmdb")
@pytest.mark.parametrize("mapped", [False, True], ids=["pwrite", "mapped"])
def test_lmdb(lab: Laboratory, mapped: bool) -> None:
    run(lab, f"""
import lmdb
with lmdb.open("db", map_size=1 << 20, writemap={mapped}) as environment:
    with environment.begin(write=True) as transaction:
        for number in range(200):
            transaction.put(str(number).encode(), b"x" * 50)
    with environment.begin() as transaction, open("v.bin", "wb") as file:
        file.write(transaction.get(b"7"))
""", outputs=["db/data.mdb", "v.bin"])


# ---- numbers and tables ----

@imports("numpy")
def test_numpy_memmap(lab: Laboratory) -> None:
    run(lab, """
import numpy
out = numpy.memmap("a.dat", dtype="float32", mode="w+", shape=(100, 100))
out[:] = 1.5
out.flush()
numpy.save("b.npy", numpy.arange(5000))
numpy.savez_compressed("c.npz", x=numpy.arange(10), y=numpy.zeros(9))
""", outputs=["a.dat", "b.npy", "c.npz"])
    run(lab, """
import numpy
a = numpy.memmap("a.dat", dtype="float32", mode="r", shape=(100, 100))
b = numpy.load("b.npy", mmap_mode="c")
b[0] = 7
c = numpy.load("c.npz")
open("sum.txt", "w").write(str(a.sum() + b.sum() + c["x"].sum()))
""", inputs=["a.dat", "b.npy", "c.npz"], outputs=["sum.txt"])
    run(lab, """
import numpy
a = numpy.memmap("a.dat", dtype="float32", mode="r+", shape=(100, 100))
a[3, 3] = 0
a.flush()
""", outputs=["a.dat"])


@imports("safetensors", "numpy")
def test_safetensors(lab: Laboratory) -> None:
    run(lab, """
import numpy
from safetensors.numpy import save_file
save_file({"w": numpy.ones((300, 300), "float32"), "b": numpy.zeros(300, "float32")}, "model.safetensors")
""", outputs=["model.safetensors"])
    run(lab, """
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
with safe_open("model.safetensors", "np") as file:
    w = file.get_tensor("w")
save_file({**load_file("model.safetensors"), "w": w * 2}, "doubled.safetensors")
""", inputs=["model.safetensors"], outputs=["doubled.safetensors"])


@imports("h5py", "numpy")
def test_hdf5(lab: Laboratory) -> None:
    run(lab, """
import h5py, numpy
with h5py.File("a.h5", "w") as file:
    file["x"] = numpy.arange(10000)
    file.create_dataset("z", data=numpy.zeros((50, 50)), compression="gzip")
""", outputs=["a.h5"])
    run(lab, """
import h5py
with h5py.File("a.h5", "r") as file, h5py.File("b.h5", "w", driver="core") as copy:
    file.copy("x", copy)
    copy["s"] = file["z"][:].sum()
""", inputs=["a.h5"], outputs=["b.h5"])
    run(lab, "import h5py\nwith h5py.File('a.h5', 'r+') as file:\n    file['x'][7] = 0\n", inputs=["a.h5"], outputs=["a.h5"])


@imports("pandas", "pyarrow")
def test_parquet(lab: Laboratory) -> None:
    run(lab, """
import pandas
table = pandas.DataFrame({"k": range(3000), "v": [str(number % 7) for number in range(3000)]})
table.to_parquet("a.parquet")
table.to_parquet("parts", partition_cols=["v"])
table.to_csv("a.csv.gz", index=False)
""", outputs=["a.parquet", "a.csv.gz"])
    run(lab, """
import pandas, pyarrow.parquet, pyarrow.feather
table = pyarrow.parquet.read_table("a.parquet", memory_map=True)
pyarrow.feather.write_feather(table, "a.feather", compression="uncompressed")
frame = pandas.read_parquet("parts").merge(pandas.read_csv("a.csv.gz"), on="k")
frame.to_parquet("merged.parquet")
""", inputs=["a.parquet", "a.csv.gz"], outputs=["a.feather", "merged.parquet"])
    run(lab, """
import pyarrow.feather
pyarrow.feather.read_table("a.feather", memory_map=True).to_pandas().to_csv("last.csv")
""", inputs=["a.feather"], outputs=["last.csv"])


@imports("sklearn", "joblib", "numpy")
def test_training_with_workers(lab: Laboratory) -> None:
    """Workers of joblib's loky get their data as memory maps of temporary files."""
    lab.write("data.csv", "".join(f"{number % 13},{number % 7},{number % 2}\n" for number in range(400)))
    run(lab, """
import joblib, numpy
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

if __name__ == "__main__":
    data = numpy.loadtxt("data.csv", delimiter=",")
    model = LogisticRegression()
    with joblib.parallel_config(backend="loky", max_nbytes=1000):
        scores = cross_val_score(model, data[:, :2], data[:, 2], cv=3, n_jobs=2)
    joblib.dump(model.fit(data[:, :2], data[:, 2]), "model.joblib", compress=3)
    with open("scores.txt", "w") as file:
        file.write(str(joblib.load("model.joblib").predict([[1, 2]]) + scores.mean()))
""", inputs=["data.csv"], outputs=["model.joblib", "scores.txt"])


needs_torch = pytest.mark.skipif(
    not TORCH, reason="torch is not importable, and ROAR_TEST_TORCH names no Python that has it")


@needs_torch
@pytest.mark.parametrize("start", ["fork", "spawn", "file_system"])
def test_torch(lab: Laboratory, start: str) -> None:
    """Workers hand over what they read by descriptors of shared memory, or, with file_system, by its name."""
    for number in range(4):
        lab.write(f"data/{number}.txt", str(number))
    lab.python("""
import sys, torch
from torch.utils.data import DataLoader, Dataset

class Numbers(Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, at):
        with open(f"data/{at}.txt") as file:
            return torch.tensor([float(file.read())])

if __name__ == "__main__":
    if sys.argv[1] == "file_system":
        torch.multiprocessing.set_sharing_strategy("file_system")
    model = torch.nn.Linear(1, 1)
    method = "spawn" if sys.argv[1] == "spawn" else "fork"
    for batch in DataLoader(Numbers(), batch_size=2, num_workers=2, multiprocessing_context=method):
        model(batch).sum().backward()
    torch.save(model.state_dict(), "model.pt")
    torch.load("model.pt", mmap=True)
""", start, interpreter=TORCH, inputs=["data/0.txt", "data/3.txt"], outputs=["model.pt"])


@needs_torch
def test_torch_checkpoints(lab: Laboratory) -> None:
    """Made by one process and gone on from by another, in each of the ways in which torch keeps them."""
    made = ["last.pt", "old.pt", "sharded/.metadata", "sharded/__0_0.distcp", "exported.pt2", "storage.bin"]
    lab.python("""
import os, torch, torch.distributed.checkpoint as checkpoints
model = torch.nn.Sequential(torch.nn.Linear(200, 100), torch.nn.ReLU(), torch.nn.Linear(100, 1))
optimizer = torch.optim.Adam(model.parameters())
model(torch.ones(4, 200)).sum().backward()
optimizer.step()
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt.tmp")
os.replace("last.pt.tmp", "last.pt")
torch.save(model.state_dict(), "old.pt", _use_new_zipfile_serialization=False)
checkpoints.save(model.state_dict(), checkpoint_id="sharded")
torch.export.save(torch.export.export(model, (torch.ones(4, 200),)), "exported.pt2")
storage = torch.UntypedStorage.from_file("storage.bin", shared=True, nbytes=4000)
torch.tensor([], dtype=torch.float32).set_(storage)[:] = 3
""", interpreter=TORCH, outputs=made)
    lab.python("""
import torch, torch.distributed.checkpoint as checkpoints
model = torch.nn.Sequential(torch.nn.Linear(200, 100), torch.nn.ReLU(), torch.nn.Linear(100, 1))
state = torch.load("last.pt", mmap=True)
model.load_state_dict(state["model"])
model.load_state_dict(torch.load("old.pt"))
sharded = model.state_dict()
checkpoints.load(sharded, checkpoint_id="sharded")
torch.export.load("exported.pt2").module()(torch.ones(4, 200))
numbers = torch.from_file("storage.bin", shared=False, size=1000)
torch.save((model.state_dict(), numbers.sum()), "next.pt")
""", interpreter=TORCH, inputs=made, outputs=["next.pt"])
