#!/bin/sh
# Installs what some tests drive and no make target can fetch, on Debian: Chromium, h2load and curl.
# Does nothing where they are there; else it needs root, or sudo.
set -eu

packages=
command -v chromium >/dev/null || packages="$packages chromium"
command -v h2load >/dev/null || packages="$packages nghttp2-client"
command -v curl >/dev/null || packages="$packages curl"
[ -n "$packages" ] || exit 0

echo "== packages: installs$packages"
sudo=
[ "$(id -u)" -eq 0 ] || sudo=sudo
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $packages
