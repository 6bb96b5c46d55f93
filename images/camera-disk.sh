#!/usr/bin/env bash
# Makes the disk of a Debian box that has what the agent's package needs, and can be told what to do
# through its second serial port: images/camera-disk.sh FOLDER → FOLDER/{disk.img,vmlinuz,initrd.img}
# Kept until this script changes. Needs root, debootstrap and e2fsprogs.
set -euo pipefail
folder=$1
mirror=${XUNKE_DEBIAN_MIRROR:-http://deb.debian.org/debian}
stamp=$(sha256sum "${BASH_SOURCE[0]}" | cut -d' ' -f1)
[ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ] || exit 0
system=systemd,systemd-sysv,udev,kmod,initramfs-tools
packages=(
  linux-image-amd64 libseccomp2 libgstreamer1.0-0 libgstreamer-plugins-base1.0-0
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly
)
root=$folder/rootfs
rm -rf "$folder"
mkdir -p "$folder"
log=$folder/debootstrap.log
# What is made here is thrown away when it fails: nothing has to reach the disk before the end.
filled() {
  debootstrap --variant=minbase --include="$system" bookworm "$root" "$mirror" &&
    echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/quick" &&
    chroot "$root" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y --no-install-recommends "${packages[@]}"
}
filled >"$log" 2>&1 || { tail -n 20 "$log" >&2; exit 1; }

echo box >"$root/etc/hostname"
echo '/dev/vda / ext4 rw,noatime 0 1' >"$root/etc/fstab"
install -D -m 644 /dev/stdin "$root/etc/systemd/network/net.network" <<'TEXT'
[Match]
Type=ether
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
TEXT
# One line in, run by bash; its exit code and all it said, in base64, out.
install -D -m 755 /dev/stdin "$root/usr/local/sbin/told" <<'TEXT'
#!/bin/bash
exec <>/dev/ttyS1 >&0
stty raw -echo
echo ready
while IFS= read -r line; do
  said=$(bash -c "$line" 2>&1 </dev/null)
  code=$?
  echo "$code $(base64 -w0 <<<"$said")"
done
TEXT
install -D -m 644 /dev/stdin "$root/etc/systemd/system/told.service" <<'TEXT'
[Unit]
After=multi-user.target
[Service]
ExecStart=/usr/local/sbin/told
[Install]
WantedBy=graphical.target multi-user.target
TEXT
ln -sf /etc/systemd/system/told.service "$root/etc/systemd/system/multi-user.target.wants/told.service"
ln -sf /usr/lib/systemd/system/systemd-networkd.service "$root/etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
ln -sf /dev/null "$root/etc/systemd/system/systemd-networkd-wait-online.service"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root/etc/dpkg/dpkg.cfg.d/quick"
cp "$root"/boot/vmlinuz-* "$folder/vmlinuz"
cp "$root"/boot/initrd.img-* "$folder/initrd.img"
mke2fs -q -t ext4 -d "$root" "$folder/disk.img" 4G
rm -rf "$root"
echo "$stamp" >"$folder/stamp"
