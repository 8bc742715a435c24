"""A notebook's kernel under roar, executed by nbclient as papermill and `jupyter nbconvert --execute` do."""

from __future__ import annotations

import json
import subprocess
import sys

from harness import Project, blake

RUNNER = """
import sys, nbclient, nbformat
from nbformat.v4 import new_code_cell, new_notebook
cells = [new_code_cell(source) for source in sys.argv[1:]]
nbclient.NotebookClient(new_notebook(cells=cells), allow_errors=True, kernel_name="python3").execute()
"""


def test_each_cell_is_a_step(project: Project) -> None:
    """With what it read and wrote, also by what it started; files hand over from one to another."""
    project.write("in.csv", "b\na\n")
    project.write("runner.py", RUNNER)
    sources = ["%load_ext roar", "text = open('in.csv').read()", "open('mid.csv', 'w').write(text)\n!sort mid.csv > out.csv",
               "open('mid.csv').read(); 1 / 0", "open('in.csv').read()"]
    record = project.run(sys.executable, "runner.py", *sources)
    record.assert_complete()
    cells = [step for step in record["steps"] if step["kind"] == "cell"]
    assert [(step["cell"]["number"], step["cell"]["failed"]) for step in cells] == [
        (2, False), (3, False), (4, True), (5, False)]
    assert [step["cell"]["hash"] for step in cells] == [blake(source.encode()) for source in sources[1:]]
    kernel = record["steps"][cells[0]["parent"]]
    assert "ipykernel_launcher" in kernel["argv"]
    assert {step["parent"] for step in cells} == {kernel["index"]}

    def names(step: dict, what: str) -> list[str]:
        return [use["path"].rpartition("/")[2] for use in step[what] if use["path"].startswith(f"{project.path}/")]

    assert [(names(step, "inputs"), names(step, "outputs")) for step in cells] == [
        (["in.csv"], []), ([], ["mid.csv"]), (["mid.csv"], []), (["in.csv"], [])]
    below = [step for step in record["steps"] if step["parent"] == cells[1]["index"]]
    assert below, "what a cell starts is below it"
    assert record.outputs["out.csv"] == blake(b"a\nb\n")
    assert {"grpcio", "protobuf", "cbor2", "lmdb"}.isdisjoint(package["name"] for package in record["packages"])
    drawn = project.roar("dag", "@", "--steps").stdout
    assert "In [3]" in drawn and "In [4] raised" in drawn
    assert json.loads(project.roar("dag", "@", "--steps", "--json").stdout)


def test_outside_of_a_job_nothing_is_told(project: Project) -> None:
    """Not for a process that belongs to none, and not for one of somebody else's."""
    script = ("import json, socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
              "s.sendall(b'{\"cell\": \"begin\", \"length\": 0}\\n'); print(s.recv(4096).decode())")
    path = f"{project.environment['ROARD_SOCKET']}.id"
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["error"]["message"] == "this process belongs to no job"


def test_an_end_without_a_begin(project: Project) -> None:
    project.write("end.py", f"""
import json, socket
def tell(line):
    s = socket.socket(socket.AF_UNIX); s.connect({project.environment['ROARD_SOCKET'] + '.id'!r}); s.sendall(line)
    return json.loads(s.recv(4096))
assert "no cell" in tell(b'{{"cell": "end", "number": 1}}\\n')["error"]["message"]
assert "job" in tell(b'{{"cell": "begin", "length": 0}}\\n')
open("made", "w").write("x")
import os; os.execv("/bin/true", ["true"])
""")
    record = project.run(sys.executable, "end.py")
    record.assert_complete()
    assert [(step["kind"], bool(step["ended_at"])) for step in record["steps"]] == [
        ("program", True), ("cell", True), ("program", True)]
