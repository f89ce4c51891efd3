#!/bin/sh
# Writes copies of the Istio manifests that contain the module's sha256: pin-istio.sh MODULE OUT-FOLDER.
set -eu
if [ $# -ne 2 ]; then
    echo "usage: pin-istio.sh MODULE OUT-FOLDER" >&2
    exit 1
fi

if command -v sha256sum >/dev/null; then
    sum=$(sha256sum <"$1")
else
    sum=$(shasum -a 256 <"$1")
fi
mkdir -p "$2"
for manifest in "$(dirname "$0")"/../istio/*.yaml; do
    sed "s/\"0\{64\}\"/\"${sum%% *}\"/" "$manifest" >"$2/$(basename "$manifest")"
done
