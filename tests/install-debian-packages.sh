#!/bin/sh
# Installs the programs that some tests run and that no make target fetches, on Debian: Chromium, h2load, curl and nginx.
# Does nothing if they are installed; needs root or sudo otherwise.
set -eu

packages= nginx=
browser=
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then browser=$name; fi
done
[ -n "$browser" ] || packages="$packages chromium"
command -v h2load >/dev/null || packages="$packages nghttp2-client"
command -v curl >/dev/null || packages="$packages curl"
# Only root has /usr/sbin on the path.
[ -x /usr/sbin/nginx ] || command -v nginx >/dev/null || { packages="$packages nginx" nginx=new; }
[ -n "$packages" ] || exit 0

echo "== packages: installs$packages"
sudo=
[ "$(id -u)" -eq 0 ] || sudo=sudo
if [ -n "$nginx" ]; then
    # Tests start nginx themselves. This masks the service, so that the package never starts one on port 80.
    echo "== packages: masks nginx.service; \`systemctl unmask nginx\` takes that back"
    $sudo mkdir -p /etc/systemd/system
    $sudo ln -sf /dev/null /etc/systemd/system/nginx.service
fi
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $packages
