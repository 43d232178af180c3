#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
#
# Makes the base of the broker image: a minimal Debian (or Ubuntu) with a Java runtime, trimmed.
#
#   make_base.sh OUT JAVA_PACKAGE [SUITE [MIRROR]]
#
# OUT is a directory that appears, complete, at the very end: rootfs.tar (what `FROM scratch ADD` wants) and packages.txt (what is
# in it, one "name version architecture" a line). Suite, mirror, updates and proxy are those of this machine's apt unless given.
# Interrupted at any point it leaves nothing but OUT.XXXXXX, which the next run removes.
set -eu

if [ "$(id -u)" != 0 ]; then
    echo "making the Debian base needs root (debootstrap): run as root, or set image_assembled_base to an image with a JRE" >&2
    exit 1
fi
if [ "${_KAFKAOPS_OWN_MOUNTS:-}" != yes ]; then
    # In a mount namespace of its own: whatever happens, no mount is left behind.
    exec env _KAFKAOPS_OWN_MOUNTS=yes unshare --mount --propagation private -- /bin/sh "$0" "$@"
fi

out=$1
java=$2
suite=${3:-}
mirror=${4:-}

. /etc/os-release
case $ID in
    ubuntu) origin=Ubuntu ;;
    *) origin=Debian ;;
esac
suite=${suite:-${VERSION_CODENAME:?this system does not say which release it is: give image_debian_suite}}

targets() {
    apt-get indextargets --format "\$($1)" 'Identifier: Packages' "Origin: $origin" "$2"
}
if [ -n "$mirror" ]; then
    sources="deb $mirror $suite main"
else
    mirror=$(targets REPO_URI "Release: $suite" | head -n 1)
    if [ -z "$mirror" ]; then
        echo "apt on this machine knows no $origin mirror that has $suite (or was never updated): give image_debian_mirror" >&2
        exit 1
    fi
    sources=$(for release in "$suite" "$suite-updates" "$suite-security"; do
        targets REPO_URI "Release: $release" | sort -u | while read -r uri; do
            echo "deb $uri $release $(targets COMPONENT "Release: $release" | sort -u | tr '\n' ' ')"
        done
    done)
fi
http_proxy=${http_proxy:-}
https_proxy=${https_proxy:-}
eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
[ -z "$http_proxy" ] || export http_proxy
[ -z "$https_proxy" ] || export https_proxy

export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
mkdir -p "$(dirname "$out")"
exec 9>"$out.lock"
flock 9 # one at a time; whoever waited finds it made
if [ -e "$out/packages.txt" ] && [ "${KAFKAOPS_REFRESH:-}" != yes ]; then
    exit 0
fi
rm -rf --one-file-system "$out".??????
work=$(mktemp -d "$out.XXXXXX")
clean() {
    umount --lazy "$work/root/proc" "$work/root/sys" 2>/dev/null || true
    rm -rf --one-file-system "$work"
}
trap clean EXIT
trap 'exit 129' HUP INT TERM
chmod 0755 "$work"
root=$work/root

echo "--- debootstrap $suite" >&2
if ! debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$work/log" 2>&1; then
    tail -n 20 "$work/log" "$root/debootstrap/debootstrap.log" >&2 2>/dev/null || true
    exit 1
fi

echo "--- updates and $java" >&2
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
mkdir -p "$root/etc/apt/apt.conf.d" "$root/etc/dpkg/dpkg.cfg.d"
echo "$sources" >"$root/etc/apt/sources.list"
apt-config dump | grep '^Acquire::.*::Proxy' >"$root/etc/apt/apt.conf.d/99kafkaops" || true
cat >"$root/etc/dpkg/dpkg.cfg.d/kafkaops" <<'DPKG'
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/lintian/*
DPKG
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 0755 "$root/usr/sbin/policy-rc.d"
if ! {
    chroot "$root" apt-get -q update &&
        chroot "$root" apt-get -qy upgrade &&
        chroot "$root" apt-get -qy install --no-install-recommends "$java" ca-certificates
} >"$work/log" 2>&1; then
    tail -n 20 "$work/log" >&2
    exit 1
fi
umount "$root/proc"

echo "--- trim" >&2
# shellcheck disable=SC2016  # dpkg-query expands these, not the shell
chroot "$root" dpkg-query --show --showformat='${Package} ${Version} ${Architecture}\n' | LC_ALL=C sort >"$work/packages.txt"
find "$root/usr/share/doc" -mindepth 2 ! -name copyright ! -type d -delete
find "$root/usr/share/doc" -mindepth 1 -type d -empty -delete
rm -rf "$root/usr/share/man"/* "$root/usr/share/info"/* "$root/usr/share/lintian" "$root/usr/share/locale"/* \
    "$root/var/lib/apt/lists"/* "$root/var/cache/apt"/* "$root/var/cache/debconf"/*-old "$root/var/log"/* "$root/tmp"/* \
    "$root/etc/apt/sources.list" "$root/etc/apt/apt.conf.d/99kafkaops" "$root/usr/sbin/policy-rc.d" "$root/debootstrap" \
    "$root/etc/resolv.conf" "$root/etc/hostname" "$root/dev"/*
find "$root" -xdev -type f -perm /6000 -exec chmod ug-s {} +
tar --create --file "$work/rootfs.tar" --directory "$root" --numeric-owner --sort=name --one-file-system .
rm -rf --one-file-system "$root" "$work/log"

rm -rf --one-file-system "$out"
mv -T "$work" "$out"
trap - EXIT
