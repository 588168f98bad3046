#!/usr/bin/env bash
# What does the real kernel do? Builds kernel modules against Debian's Linux 6.1, boots that kernel in QEMU
# (software emulation, nothing touches the machine's own kernel), runs a script there, prints the console.
#
#   ask-linux.sh [--smp N] [--mem MIB] [--icount] [--limit SECONDS] [--out DIR] --script FILE [--add FILE]... MODULE.c...
#
# --icount   one CPU, virtual time: 1 ns of guest time = 1 guest instruction (repeatable within 0.6 %)
# --limit    end a guest that has not finished by then (default 540)
# --out      keep the console and the built modules in DIR
# --add      put a file beside the modules (a .h goes to the build, anything else to / of the guest)
# The script is busybox sh; the modules lie in / as NAME.ko; insmod, rmmod, ps, kill, dmesg, cat are there.
# Exit: 0 ran to the end, 1 a module did not build, 2 usage, 3 a tool is missing, 4 the guest did not finish.
set -euo pipefail
packages="linux-image-amd64 linux-headers-amd64 qemu-system-x86 busybox-static cpio make gcc gzip"
smp=2 mem=512 limit=540 icount=0 out='' script='' modules=() added=()

die() { echo "ask-linux: $2" >&2; exit "$1"; }
missing() { die 3 "$1 is missing; install it with: apt-get install -y --no-install-recommends $packages"; }

while (($#)); do
  case $1 in
    --smp) smp=$2; shift ;;
    --mem) mem=$2; shift ;;
    --limit) limit=$2; shift ;;
    --icount) icount=1 ;;
    --out) out=$2; shift ;;
    --script) script=$2; shift ;;
    --add) added+=("$2"); shift ;;
    -*) die 2 "unknown option $1" ;;
    *) modules+=("$1") ;;
  esac
  shift
done
[[ -n $script && -r $script ]] || die 2 "--script FILE is needed"
((${#modules[@]})) || die 2 "no module given"
for tool in qemu-system-x86_64 busybox cpio make gcc gzip; do
  command -v "$tool" >/dev/null || missing "$tool"
done
image=$(find /boot -maxdepth 1 -name 'vmlinuz-6.1.*-amd64' 2>/dev/null | sort -V | tail -n 1)
headers=$(find /usr/src -maxdepth 1 -name 'linux-headers-6.1.*-amd64' 2>/dev/null | sort -V | tail -n 1)
[[ -n $image && -n $headers ]] || missing "Linux 6.1 or its headers"

work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
mkdir -p "$work/build" "$work/root"/{bin,dev,proc,sys,sys/kernel/debug}
for file in "${added[@]}"; do
  case $file in
    *.h) cp "$file" "$work/build/" ;;
    *) cp "$file" "$work/root/" ;;
  esac
done
for m in "${modules[@]}"; do
  cp "$m" "$work/build/"
  echo "obj-m += $(basename "${m%.c}").o"
done >"$work/build/Kbuild"
make -s -j"$(nproc)" -C "$headers" M="$work/build" modules >"$work/build.log" 2>&1 ||
  { cat "$work/build.log" >&2; die 1 "a module did not build"; }
if grep -q 'warning:' "$work/build.log"; then cat "$work/build.log" >&2; fi
cp "$work/build"/*.ko "$work/root/"
cp "$(command -v busybox)" "$work/root/bin/busybox"
cp "$script" "$work/root/script"
# This busybox has neither pgrep nor pkill; these two know `[-SIG] [-x] NAME`, which is all that scripts use.
cat >"$work/root/bin/pgrep" <<'P'
#!/bin/sh
exec 2>/dev/null # a thread may end between being listed and being read
exact=0
[ "$1" = -x ] && { exact=1; shift; }
found=1
for comm in /proc/[0-9]*/comm; do
  read -r name <"$comm" || continue
  case $exact$name in "1$1"|0*"$1"*) ;; *) continue ;; esac
  pid=${comm#/proc/}; echo "${pid%/comm}"; found=0
done
exit $found
P
cat >"$work/root/bin/pkill" <<'P'
#!/bin/sh
signal=-TERM
case $1 in -x) ;; -*) signal=$1; shift ;; esac
pids=$(pgrep "$@") || exit 1
kill "$signal" $pids
P
chmod +x "$work/root/bin/pgrep" "$work/root/bin/pkill"
cat >"$work/root/init" <<'I'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t debugfs debugfs /sys/kernel/debug
cd /
sh /script
echo "ask-linux: done"
poweroff -f
I
chmod +x "$work/root/init"
(cd "$work/root" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/initrd.gz"
accel=(-accel tcg,thread=multi -smp "$smp")
((icount)) && accel=(-accel tcg -icount shift=0 -smp 1)
timeout "$limit" qemu-system-x86_64 "${accel[@]}" -m "$mem" -cpu max -nodefaults -no-reboot -display none -serial stdio \
  -kernel "$image" -initrd "$work/initrd.gz" -append "console=ttyS0 loglevel=1 panic=-1" </dev/null 2>&1 |
  tr -d '\r' | tee "$work/console" || true
[[ -n $out ]] && { mkdir -p "$out"; cp "$work/console" "$work"/build/*.ko "$out/"; }
grep -q '^ask-linux: done' "$work/console" || die 4 "the guest did not finish"
