#!/usr/bin/env bash
# Makes what a release consists of, checked, in an empty directory: deploy/release.sh OUT
#
#   acknet-VERSION-py3-none-any.whl, acknet-VERSION.tar.gz    the package; the wheel is built from the sdist
#   acknet-VERSION.cdx.json                                   bill of materials of what serving installs (CycloneDX)
#   acknet-chart-VERSION.tgz                                  the Helm chart
#   SHA256SUMS
#
# It takes acknet[release] and helm-python-sdk, and installs packages, torch among them, into environments that it throws away.
set -euo pipefail
test $# = 1 || { echo "usage: release.sh OUT" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
test -z "$(ls -A "$out")" || { echo "release.sh: $out is not empty" >&2; exit 2; }
python=$(command -v python3)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

echo "wheel and sdist" >&2
# From a copy, so that nothing is left in the work tree, and nothing that lies about in it goes out.
git -C "$root" archive HEAD | tar -x -C "$scratch" --one-top-level=source
"$python" -m build --outdir "$out" "$scratch/source" > "$scratch/build.log" || { cat "$scratch/build.log" >&2; exit 1; }
"$python" -m twine --no-color check --strict "$out"/*
wheel=$(echo "$out"/acknet-*.whl)
version=$(basename "$wheel" | cut -d- -f2)
grep -q "^## $version" "$root/CHANGELOG.md" || { echo "release.sh: CHANGELOG.md says nothing of $version" >&2; exit 1; }

echo "bill of materials" >&2
"$python" -m venv --without-pip "$scratch/serving"
"$python" -m pip --python "$scratch/serving/bin/python" install --quiet "$wheel[postgres,mcp]"
"$python" -m cyclonedx_py environment --output-reproducible --pyproject "$scratch/source/pyproject.toml" \
    --mc-type application --output-file "$out/acknet-$version.cdx.json" "$scratch/serving/bin/python" 2> "$scratch/sbom.log" \
    || { cat "$scratch/sbom.log" >&2; exit 1; }

echo "chart" >&2
"$python" -c 'import sys, helm_python; helm_python.package(sys.argv[1], destination=sys.argv[2])' \
    "$scratch/source/deploy/chart/acknet" "$scratch"
mv "$scratch/acknet-$version.tgz" "$out/acknet-chart-$version.tgz"

echo "the first question, in a clean environment" >&2
"$python" -m venv "$scratch/clean"
"$scratch/clean/bin/pip" install --quiet "$wheel[build]"
(cd "$scratch" && env -i PATH="$scratch/clean/bin:/usr/bin:/bin" HOME="$scratch" \
    acknet ask "my pods hang in ContainerCreating with InvalidVSwitchId.IpNotEnough" > "$scratch/answer.md")
grep -q "Insufficient IP addresses in a Terway vSwitch" "$scratch/answer.md" || { cat "$scratch/answer.md" >&2; exit 1; }

(cd "$out" && sha256sum ./* > "$scratch/SHA256SUMS" && mv "$scratch/SHA256SUMS" .)
ls -l "$out" >&2
