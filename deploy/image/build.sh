#!/bin/sh
# The steps that the Containerfile takes, one a call, so that they can be taken without a container engine as well:
#
#   build.sh wheel SOURCE WHEELS          make acknet's wheel from its source
#   build.sh index WHEELS CACHE           build the index into CACHE, with all that it takes, none of which is kept
#   build.sh environment WHEELS PREFIX    install what serving takes into a virtual environment
#   build.sh check PREFIX CACHE           ask a question with what was made, nothing of it being writable
#
# PIP_* variables reach pip, for example PIP_EXTRA_INDEX_URL for builds of torch without CUDA. SERVING names the extras of
# what serves: postgres and mcp unless it is set; milvus and otel are the others.
set -eu

wheel_in() { # the one wheel of acknet in a directory
    set -- "$1"/acknet-*.whl
    test -e "$1" || { echo "no wheel of acknet in ${1%/*}" >&2; exit 2; }
    echo "$1"
}

wheel() {
    # In a copy: setuptools writes beside what it builds, and a source may be read-only.
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    for name in corpus index bot pyproject.toml README.md LICENSE NOTICE; do
        cp -R "$1/$name" "$scratch/"
    done
    python3 -m pip wheel --quiet --no-deps --wheel-dir "$2" "$scratch"
}

index() {
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    python3 -m venv "$scratch/venv"
    "$scratch/venv/bin/pip" install --quiet "$(wheel_in "$1")[build]"
    mkdir -p "$2"
    ACKNET_CACHE_DIR="$2" "$scratch/venv/bin/acknet" index build
    # Whoever serves it may read it and nothing else.
    find "$2" -name '*.lock' -delete
    chmod -R u=rwX,go=rX "$2"
}

environment() {
    python3 -m venv --without-pip "$2"
    python3 -m pip --python "$2/bin/python" install --quiet --no-compile "$(wheel_in "$1")[$SERVING]"
    packages=$("$2/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    # What nothing here ever reads: packages' own tests and type stubs, what compilers take, ONNX Runtime for programs in C
    # (its module holds another) and its tools, other databases, the downloader of model hubs, and the classes for each
    # kind of Kubernetes' API, which acknet reads as plain JSON.
    find "$packages" -depth -type d -name tests -exec rm -rf {} +
    find "$packages" -type f \( -name '*.pyi' -o -name '*.pxd' -o -name '*.h' -o -name '*.a' \) -delete
    rm -rf "$packages"/numpy/distutils "$packages"/numpy/f2py "$packages"/numpy/_core/_simd.*.so
    for part in mssql mysql oracle; do
        rm -rf "${packages:?}/sqlalchemy/dialects/$part"
    done
    rm -f "$packages"/onnxruntime/capi/libonnxruntime.so*
    for part in onnxruntime/quantization onnxruntime/tools onnxruntime/transformers; do
        rm -rf "${packages:?}/$part"
    done
    for part in fsspec hf_xet huggingface_hub tqdm; do
        rm -rf "${packages:?}/$part" "$packages/$part"-*
    done
    # The command line of the package for CEL, which its module imports along with libraries for terminals.
    : > "$packages/cel/cli.py"
    for part in prompt_toolkit wcwidth; do
        rm -rf "${packages:?}/$part" "$packages/$part"-*
    done
    for part in client aio/client; do
        find "$packages/kubernetes/$part/models" "$packages/kubernetes/$part/api" -name '*.py' ! -name __init__.py -delete
    done
    # What colours source code on a terminal, which acknet does not; the log would load it.
    rm -rf "$packages"/pygments "$packages"/pygments-*
    # Symbols for debuggers. Libraries that wheels bring along (*.libs) were patched, and strip may spoil those.
    find "$packages" -name '*.so' ! -path '*.libs/*' -exec strip --strip-unneeded {} +
    # Nothing can be written where it will run, so what will be imported is compiled now.
    "$2/bin/python" -m compileall -q "$packages/corpus" "$packages/index" "$packages/bot"
    "$2/bin/python" "$(dirname "$0")/used.py"
    if "$2/bin/python" -c 'import torch' 2> /dev/null; then
        echo "torch is in what serves" >&2
        exit 1
    fi
}

check() {
    answer=$(ACKNET_CACHE_DIR="$2" "$1/bin/acknet" ask --json "InvalidVSwitchId.IpNotEnough, pods hang in ContainerCreating")
    case $answer in
        *'"outcome": "answer"'* | *'"outcome":"answer"'*) ;;
        *) echo "no answer: $answer" >&2; exit 1 ;;
    esac
}

SERVING=${SERVING:-postgres,mcp}
step=$1
shift
case $step in
    wheel | index | environment | check) "$step" "$@" ;;
    *) echo "build.sh: no step $step" >&2; exit 2 ;;
esac
