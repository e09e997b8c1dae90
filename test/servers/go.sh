# Sourced: go_quickly ARGUMENT…: go, which spends no time on fast programs, as tests start them: 37 s of CPU for Pebble become 23.
# Beside the tests it takes what they leave.
go_quickly() { GOGC=400 GOFLAGS="${GOFLAGS:-} '-gcflags=all=-N -l' '-ldflags=-s -w'" nice -n 19 go "$@"; }
