#!/bin/sh
# Windows in tests need an X server without a screen, GL, and Qt's X libraries. Installs what is missing
# if it may; else prints the one command to run.
set -eu
packages="xvfb xauth libgl1 libglx-mesa0 libgl1-mesa-dri libegl1 libopengl0 libxkbcommon-x11-0 libxcb-cursor0
libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-xinerama0 libxcb-shape0
libdbus-1-3"
command -v dpkg-query >/dev/null || { command -v xvfb-run >/dev/null && exit 0; echo "Install xvfb, Mesa's GL and Qt's xcb libraries with your package manager." >&2; exit 1; }
missing=""
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
elif sudo -n true 2>/dev/null; then
    sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
else
    echo "These system packages are missing. Run once, then again what you ran:" >&2
    echo "    sudo apt-get install -y$missing" >&2
    exit 1
fi
