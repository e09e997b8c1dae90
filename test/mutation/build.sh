#!/bin/bash
# Builds the instrumented sources and their tests to JavaScript, so that a mutant costs no compiler: `npm run mutate`.
set -e
[ -e node_modules ] || ln -s ../../../../node_modules node_modules # Stryker links it only later
node node_modules/typescript/bin/tsc -p test/mutation/tsconfig.json
cp -r deploy mutants/
cp -r test/fixtures mutants/test/
cp src/base/revocation/log.lua mutants/src/base/revocation/
cp package.json mutants/
