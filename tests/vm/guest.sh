# Runs in the machine that run.py boots, from its checkout in /roar: `roard check`, then each line of results/suites, which
# is a name and arguments for pytest. What comes of it stays in results/, which run.py reads from the disk.
cd /roar || exit 1
export PATH=/opt/venv/bin:$PATH ROAR_TEST_BIN=/opt/venv/bin HOME=/root LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
ROAR_TEST_PATIENCE=$(cat results/patience)
export ROAR_TEST_PATIENCE
uname -r >results/release
roard check >results/check 2>&1
echo "$?" >results/check.code
cat results/check
while read -r name arguments; do
  # shellcheck disable=SC2086 - words for pytest; its stdin is not the list
  PYTHONPATH=tests/vm pytest -v --tb=short -p instant -p no:cacheprovider -o timeout=$((120 * ROAR_TEST_PATIENCE)) --junitxml="results/$name.xml" $arguments </dev/null 2>&1 | tee "results/$name.log"
done <results/suites
dmesg >results/dmesg
