# Sourced in the repository's root: puts the Node that the image ships first in PATH, where this one is too old to speak TLS (fetch.sh).
if [ -x .servers/bin/node ]; then
  mkdir -p .servers/path
  ln -sfn ../bin/node .servers/path/node
  PATH="$PWD/.servers/path:$PATH"
fi
