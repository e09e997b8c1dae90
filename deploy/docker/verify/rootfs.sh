#!/bin/bash
# Sourced by what makes an image from this machine's programs: a root file system in a folder.
libraries=/lib/x86_64-linux-gnu

# skeleton FOLDER: users, certificates, name service
skeleton() {
  local users='root:x:0:0::/root:/bin/sh\nnginx:x:101:101::/:/bin/sh\nredis:x:999:999::/data:/bin/sh\nnonroot:x:65532:65532::/home/nonroot:/bin/sh\n'
  mkdir -p "$1"/{bin,etc/ssl/certs,tmp,run,root,home/nonroot,data,usr/bin,usr/local/bin,var/cache/nginx,proc,sys,dev,"$libraries"}
  chmod 1777 "$1/tmp"
  # shellcheck disable=SC2059 # the formats are ours
  printf "$users" >"$1/etc/passwd"
  printf 'root:x:0:\nnginx:x:101:\nredis:x:999:\nnonroot:x:65532:\n' >"$1/etc/group"
  echo 'hosts: files dns' >"$1/etc/nsswitch.conf"
  cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"
  cp -L "$libraries"/libnss_{dns,files}.so.2 "$libraries/libresolv.so.2" "$1$libraries/"
}

# with its libraries, which Debian's busybox needs unless it is busybox-static
shell() {
  put "$1" "$(command -v busybox)" /bin/busybox
  busybox --list | grep -vx busybox | while read -r name; do ln -sf busybox "$1/bin/$name"; done
  ln -sf /bin/env "$1/usr/bin/env"
}

# put FOLDER SOURCE TARGET: a program with the libraries that it needs, or a folder
put() {
  mkdir -p "$1$(dirname "$3")"
  cp -aL "$2" "$1$3"
  [ -d "$2" ] && return
  { ldd "$2" 2>/dev/null || true; } | { grep -oE '/[^ ]+\.so[^ ]*' || true; } | while read -r file; do
    mkdir -p "$1$(dirname "$file")"
    cp -Ln "$file" "$1$file"
  done
}
