#!/usr/bin/env bash
# Makes the Debian package of the agent: images/agent-deb.sh PROGRAM FOLDER
# Prints the path of FOLDER/xunke-agent_VERSION_ARCHITECTURE.deb. Needs dpkg-dev.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$1 folder=$2
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$top/Cargo.toml")
architecture=$(dpkg --print-architecture)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
root=$tree/root
chmod 755 "$tree"

install -D -m 755 "$program" "$root/usr/bin/xunke-agent"
strip --strip-unneeded "$root/usr/bin/xunke-agent"
install -D -m 644 "$top/systemd/xunke-agent.service" "$root/usr/lib/systemd/system/xunke-agent.service"
install -D -m 644 "$top/systemd/xunke-agent-reboot.path" "$root/usr/lib/systemd/system/xunke-agent-reboot.path"
install -D -m 644 "$top/configs/agent.toml" "$root/etc/xunke/agent.toml"
install -D -m 644 "$top/LICENSE" "$root/usr/share/doc/xunke-agent/copyright"
install -D -m 644 /dev/stdin "$root/usr/lib/sysusers.d/xunke-agent.conf" <<'TEXT'
u xunke-agent - "The box in a classroom" /var/lib/xunke-agent
TEXT

# The libraries that the program was linked with, as Debian names them.
install -D -m 644 /dev/stdin "$tree/debian/control" <<'TEXT'
Source: xunke-agent

Package: xunke-agent
Architecture: any
TEXT
libraries=$(cd "$tree" && dpkg-shlibdeps -O "root/usr/bin/xunke-agent" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$libraries" ] || { echo "the libraries of $program have no package" >&2; exit 1; }

install -D -m 644 /dev/stdin "$root/DEBIAN/control" <<TEXT
Package: xunke-agent
Version: $version
Architecture: $architecture
Maintainer: xunke
Section: video
Priority: optional
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: $libraries, gstreamer1.0-plugins-base, gstreamer1.0-plugins-good, gstreamer1.0-plugins-bad, gstreamer1.0-plugins-ugly, systemd, udev
Recommends: gstreamer1.0-libav
Description: records a classroom and sends it, sealed, to its hub
 The agent on the box in a classroom: takes cameras on the network and on USB,
 seals what they send, and reports how they are.
TEXT
install -m 644 /dev/stdin "$root/DEBIAN/conffiles" <<'TEXT'
/etc/xunke/agent.toml
TEXT
# Nothing is started before the box is enrolled; an update restarts what runs.
install -m 755 /dev/stdin "$root/DEBIAN/postinst" <<'TEXT'
#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
systemd-sysusers xunke-agent.conf
install -d -o xunke-agent -g xunke-agent -m 700 /var/lib/xunke-agent
systemctl enable --quiet xunke-agent.service xunke-agent-reboot.path
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl start xunke-agent-reboot.path
  systemctl try-restart xunke-agent.service
fi
TEXT
install -m 755 /dev/stdin "$root/DEBIAN/prerm" <<'TEXT'
#!/bin/sh
set -e
[ "$1" = remove ] || exit 0
if [ -d /run/systemd/system ]; then
  systemctl disable --quiet --now xunke-agent.service xunke-agent-reboot.path
fi
TEXT
out=$folder/xunke-agent_${version}_$architecture.deb
mkdir -p "$folder"
dpkg-deb --root-owner-group --build "$root" "$out" >/dev/null
echo "$out"
